/**
 * The socket over which a registry at the edge tells of changes: when to open it, when to ask whether it is still there, and
 * when to give it up. Sans-IO, as the rest: src/agent/watch.ts puts it together with the requests.
 *
 *   closed --at openAt--> opening --handleOpened--> open --handleEnd, or too old, or silent--> closed
 *
 * A socket that does not come about, or ends soon, is tried ever less often: until then the registry is asked as if it had none.
 */
import type { MonotonicMs, RandomBytes } from '../clock.ts';

/** Below the hundred seconds after which Cloudflare, and the minutes after which NATs, forget a silent connection. */
const PING_MS = 50_000;
const PONG_MS = 20_000;
/** A socket is opened anew after that: whatever was not told, for whatever reason, comes with the new one. */
const ANEW_MS = 4 * 3_600_000;
/** One that was open for so long has proved itself. */
const PROVEN_MS = 60_000;
const FIRST_PAUSE_MS = 2000;
const LAST_PAUSE_MS = 3_600_000;
/** All hosts lose their sockets at once when the registry is deployed anew: they come back spread over this long. */
const SPREAD_MS = 10_000;

export class SocketTimes {
  readonly #random: RandomBytes;
  #phase: 'closed' | 'opening' | 'open' = 'closed';
  #isOffered = false;
  #failures = 0;
  #openAt: MonotonicMs = 0;
  #openedAt: MonotonicMs = 0;
  #pingAt: MonotonicMs = 0;
  /** Infinity while no ping waits for its answer. */
  #pongBy: MonotonicMs = Number.POSITIVE_INFINITY;
  #anewAt: MonotonicMs = 0;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** When one may be opened; Infinity where the registry offers none. */
  get openAt(): MonotonicMs {
    return this.#isOffered && this.#phase === 'closed' ? this.#openAt : Number.POSITIVE_INFINITY;
  }

  /** As each answer of the registry says. */
  handleOffer(isOffered: boolean): void {
    this.#isOffered = isOffered;
  }

  handleOpening(): void {
    this.#phase = 'opening';
  }

  handleOpened(now: MonotonicMs): void {
    this.#phase = 'open';
    this.#openedAt = now;
    this.#pongBy = Number.POSITIVE_INFINITY;
    this.#pingAt = now + PING_MS;
    this.#anewAt = now + ANEW_MS - jitter(this.#random, ANEW_MS / 4);
  }

  /** Whatever comes shows that it is there. */
  handleSign(now: MonotonicMs): void {
    this.#pongBy = Number.POSITIVE_INFINITY;
    this.#pingAt = now + PING_MS;
  }

  /** When `poll` has something for the open socket. */
  nextTimeout(): MonotonicMs {
    return Math.min(this.#pongBy, this.#pingAt, this.#anewAt);
  }

  /** Whether a ping is to be sent now. Afterwards the socket may be closed: it is too old, or nothing came back. */
  poll(now: MonotonicMs): boolean {
    if (now >= this.#pongBy) {
      this.handleEnd(now);
    } else if (now >= this.#anewAt) {
      this.#phase = 'closed';
      this.#openAt = now;
    } else if (now >= this.#pingAt) {
      this.#pingAt = Number.POSITIVE_INFINITY;
      this.#pongBy = now + PONG_MS;
      return true;
    }
    return false;
  }

  /** It ended, or did not come about. */
  handleEnd(now: MonotonicMs): void {
    if (this.#phase === 'open' && now - this.#openedAt >= PROVEN_MS) this.#failures = 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LAST_PAUSE_MS);
    this.#failures++;
    this.#phase = 'closed';
    this.#openAt = now + pauseMs / 2 + jitter(this.#random, Math.max(pauseMs / 2, SPREAD_MS));
  }
}

/** Up to so many ms. */
export function jitter(random: RandomBytes, rangeMs: number): number {
  const [high, low] = random(2);
  return ((high! * 256 + low!) / 65_536) * rangeMs;
}
