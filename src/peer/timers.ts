/**
 * The timers of section 6, as a table of deadlines. Nothing here reads a clock or calls back: events set and clear
 * deadlines, and `takeExpired` names the timers that ran out, one at a time.
 *
 *   retransmit-handshake   an initiation was sent and no session came of it: Rekey-Timeout and jitter later
 *   send-keepalive         data was received and nothing sent since: Keepalive-Timeout later
 *   new-handshake          data was sent and nothing received since: Keepalive-Timeout + Rekey-Timeout and jitter later
 *   erase-keys             no new session for 3 x Reject-After-Time
 *   persistent-keepalive   nothing sent or received for the configured interval
 */
import { readUint16BE } from '../bytes.ts';
import type { MonotonicMs, RandomBytes } from '../clock.ts';
import {
  ERASE_KEYS_AFTER_MS,
  KEEPALIVE_TIMEOUT_MS,
  NEW_HANDSHAKE_AFTER_MS,
  REKEY_TIMEOUT_JITTER_MS,
  REKEY_TIMEOUT_MS,
} from '../noise/constants.ts';

const TIMERS = [
  'retransmit-handshake',
  'send-keepalive',
  'new-handshake',
  'erase-keys',
  'persistent-keepalive',
] as const;
export type Timer = (typeof TIMERS)[number];

const RETRANSMIT_HANDSHAKE = 0;
const SEND_KEEPALIVE = 1;
const NEW_HANDSHAKE = 2;
const ERASE_KEYS = 3;
const PERSISTENT_KEEPALIVE = 4;

/** When something happened last, on the clock of the timers; -Infinity or 0 for never. Data: a packet, not a keepalive. */
export interface Activity {
  sentAt: MonotonicMs;
  dataSentAt: MonotonicMs;
  receivedAt: MonotonicMs;
  dataReceivedAt: MonotonicMs;
}

export class Timers {
  readonly #random: RandomBytes;
  readonly #deadlines = TIMERS.map(() => Infinity);
  readonly #seen: Activity = {
    sentAt: -Infinity,
    dataSentAt: -Infinity,
    receivedAt: -Infinity,
    dataReceivedAt: -Infinity,
  };
  #persistentKeepaliveMs = 0;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** 0 switches it off. Takes effect with the next authenticated message. */
  set persistentKeepaliveMs(interval: number) {
    this.#persistentKeepaliveMs = interval;
    if (interval === 0) this.#clear(PERSISTENT_KEEPALIVE);
  }

  /** The earliest deadline, Infinity for none. */
  next(): MonotonicMs {
    let earliest = Infinity;
    for (const deadline of this.#deadlines) if (deadline < earliest) earliest = deadline;
    return earliest;
  }

  /** One timer that has run out, which is cleared; undefined when there is none (any more). */
  takeExpired(now: MonotonicMs): Timer | undefined {
    const index = this.#deadlines.findIndex((deadline) => deadline <= now);
    if (index < 0) return undefined;
    this.#clear(index);
    return TIMERS[index];
  }

  /** A message of any type but a cookie reply goes out, before the event that says which. */
  messageSent(now: MonotonicMs): void {
    this.#seen.sentAt = now;
    this.#clear(SEND_KEEPALIVE);
    this.#putOffPersistentKeepalive(now);
  }

  /** An authentic message of any type but a cookie reply came in, before the event that says which. */
  messageReceived(now: MonotonicMs): void {
    this.#seen.receivedAt = now;
    this.#clear(NEW_HANDSHAKE);
    this.#putOffPersistentKeepalive(now);
  }

  /** A packet, not a keepalive, was sent. */
  dataSent(now: MonotonicMs): void {
    this.#seen.dataSentAt = now;
    if (this.#isSet(NEW_HANDSHAKE)) return;
    this.#deadlines[NEW_HANDSHAKE] = now + NEW_HANDSHAKE_AFTER_MS + this.#jitter();
  }

  /** A packet, not a keepalive, came in: a keepalive is never answered by a keepalive. */
  dataReceived(now: MonotonicMs): void {
    this.#seen.dataReceivedAt = now;
    if (!this.#isSet(SEND_KEEPALIVE)) this.#deadlines[SEND_KEEPALIVE] = now + KEEPALIVE_TIMEOUT_MS;
  }

  /**
   * Others have sent and received for us, and this is when they did so last. As if each had been told at once, but that the
   * wait for an answer counts from the latest packet without one instead of from the first. False when it is nothing new.
   */
  catchUp({ sentAt, dataSentAt, receivedAt, dataReceivedAt }: Readonly<Activity>): boolean {
    const seen = this.#seen;
    const hasSent = sentAt > seen.sentAt;
    const hasReceived = receivedAt > seen.receivedAt;
    if (!hasSent && !hasReceived) return false;
    seen.dataSentAt = Math.max(seen.dataSentAt, dataSentAt);
    seen.dataReceivedAt = Math.max(seen.dataReceivedAt, dataReceivedAt);
    if (hasReceived) {
      seen.receivedAt = receivedAt;
      this.#clear(NEW_HANDSHAKE);
    }
    if (hasSent) {
      seen.sentAt = sentAt;
      this.#clear(SEND_KEEPALIVE);
    }
    if (seen.dataSentAt > seen.receivedAt && !this.#isSet(NEW_HANDSHAKE))
      this.#deadlines[NEW_HANDSHAKE] = seen.dataSentAt + NEW_HANDSHAKE_AFTER_MS + this.#jitter();
    if (seen.dataReceivedAt > seen.sentAt && !this.#isSet(SEND_KEEPALIVE))
      this.#deadlines[SEND_KEEPALIVE] = seen.dataReceivedAt + KEEPALIVE_TIMEOUT_MS;
    this.#putOffPersistentKeepalive(Math.max(seen.sentAt, seen.receivedAt));
    return true;
  }

  /** An initiation is sent, or would be but for Rekey-Timeout since `sentAt`. */
  handshakeInitiated(sentAt: MonotonicMs): void {
    this.#deadlines[RETRANSMIT_HANDSHAKE] = sentAt + REKEY_TIMEOUT_MS + this.#jitter();
  }

  /** No answer for Rekey-Attempt-Time. */
  handshakeGivenUp(now: MonotonicMs): void {
    this.#clear(RETRANSMIT_HANDSHAKE);
    this.#clear(SEND_KEEPALIVE);
    if (!this.#isSet(ERASE_KEYS)) this.#deadlines[ERASE_KEYS] = now + ERASE_KEYS_AFTER_MS;
  }

  /** Both sides are known to have the new keypair. */
  handshakeComplete(): void {
    this.#clear(RETRANSMIT_HANDSHAKE);
  }

  /** A keypair was made. */
  keysDerived(now: MonotonicMs): void {
    this.#deadlines[ERASE_KEYS] = now + ERASE_KEYS_AFTER_MS;
  }

  isHandshakePending(): boolean {
    return this.#isSet(RETRANSMIT_HANDSHAKE);
  }

  clear(): void {
    this.#deadlines.fill(Infinity);
  }

  /** What others did for us until then is over: `catchUp` makes nothing of it any more. */
  forgetUntil(now: MonotonicMs): void {
    const seen = this.#seen;
    seen.sentAt = Math.max(seen.sentAt, now);
    seen.dataSentAt = Math.max(seen.dataSentAt, now);
    seen.receivedAt = Math.max(seen.receivedAt, now);
    seen.dataReceivedAt = Math.max(seen.dataReceivedAt, now);
  }

  #putOffPersistentKeepalive(now: MonotonicMs): void {
    if (this.#persistentKeepaliveMs > 0) this.#deadlines[PERSISTENT_KEEPALIVE] = now + this.#persistentKeepaliveMs;
  }

  #isSet(timer: number): boolean {
    return this.#deadlines[timer] !== Infinity;
  }

  #clear(timer: number): void {
    this.#deadlines[timer] = Infinity;
  }

  #jitter(): number {
    return readUint16BE(this.#random(2), 0) % REKEY_TIMEOUT_JITTER_MS;
  }
}
