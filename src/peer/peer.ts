/**
 * One peer: who it is, where it was last seen, its keypairs, its handshake under way, its timers and what waits to be sent.
 *
 * A Peer keeps state and answers questions about it; sending and receiving are the Device's.
 */
import { wipe } from '../bytes.ts';
import type { MonotonicMs, RandomBytes, WallMs } from '../clock.ts';
import { KEY_BYTES, type PresharedKey, type PublicKey } from '../keys.ts';
import {
  INITIATION_INTERVAL_MS,
  REJECT_AFTER_TIME_MS,
  REKEY_AFTER_TIME_MS,
  REKEY_ATTEMPT_TIME_MS,
  REKEY_ON_RECEIVE_AFTER_MS,
  REKEY_TIMEOUT_MS,
} from '../noise/constants.ts';
import { wipeHandshake, type Handshake, type RemoteStatic } from '../noise/handshake.ts';
import { TIMESTAMP_BYTES } from '../noise/messages.ts';
import { compareTai64n, Tai64nSource } from '../noise/tai64n.ts';
import type { Keypair } from '../transport/keypair.ts';
import { CookieJar } from './cookie-jar.ts';
import { Endpoint } from './endpoint.ts';
import { Keypairs } from './keypairs.ts';
import { StagedPackets, type PacketRoom } from './staged-packets.ts';
import { Timers } from './timers.ts';

/** An initiation that was sent and is not answered yet. */
export interface SentInitiation {
  readonly index: number;
  readonly handshake: Handshake;
  /** As it was then, with a copy of the preshared key: one that is set meanwhile is for the next handshake. */
  readonly remote: RemoteStatic;
}

export interface PeerOptions {
  publicKey: PublicKey;
  random: RandomBytes;
  room: PacketRoom;
  /** An index of this peer is free again. */
  freeIndex: (index: number) => void;
  /** The keys of a keypair are erased. */
  keypairFreed?: (keypair: Keypair) => void;
}

export class Peer {
  readonly publicKey: PublicKey;
  readonly timers: Timers;
  readonly keypairs: Keypairs;
  readonly staged: StagedPackets;
  readonly cookies = new CookieJar();
  readonly timestamps = new Tai64nSource();

  presharedKey = new Uint8Array(KEY_BYTES) as PresharedKey; // 32 zero bytes: none
  /** What the handshake needs to know of this peer; undefined while this host has no private key. */
  remote: RemoteStatic | undefined;
  endpoint: Endpoint | undefined;
  rxBytes = 0;
  txBytes = 0;
  latestHandshakeMs: WallMs = 0;

  readonly #freeIndex: (index: number) => void;
  #persistentKeepalive = 0;
  #initiation: SentInitiation | undefined;
  #handshakeSentAt: MonotonicMs = -Infinity;
  #attemptStartedAt: MonotonicMs = -Infinity;
  #greatestTimestamp: Uint8Array = new Uint8Array(TIMESTAMP_BYTES);
  #initiationConsumedAt: MonotonicMs = -Infinity;

  constructor({ publicKey, random, room, freeIndex, keypairFreed }: PeerOptions) {
    this.publicKey = publicKey;
    this.timers = new Timers(random);
    this.keypairs = new Keypairs((keypair) => {
      freeIndex(keypair.localIndex);
      keypairFreed?.(keypair);
    });
    this.staged = new StagedPackets(room);
    this.#freeIndex = freeIndex;
  }

  nextTimeout(): MonotonicMs {
    return this.timers.next();
  }

  /** Seconds, 0 for off. */
  get persistentKeepalive(): number {
    return this.#persistentKeepalive;
  }

  set persistentKeepalive(seconds: number) {
    this.#persistentKeepalive = seconds;
    this.timers.persistentKeepaliveMs = 1000 * seconds;
  }

  /** The current keypair while it may be sent with. */
  sendingKeypair(now: MonotonicMs): Keypair | undefined {
    const current = this.keypairs.current;
    if (current === undefined || now - current.createdAt >= REJECT_AFTER_TIME_MS) return undefined;
    return current.counter.sent < current.counter.limit ? current : undefined;
  }

  /** 6.2: on age only the initiator rekeys, or two initiations would cross. */
  wantsRekeyOnSend(keypair: Keypair, now: MonotonicMs): boolean {
    if (keypair.counter.sent > keypair.counter.limit / 2) return true;
    return keypair.isInitiator && now - keypair.createdAt >= REKEY_AFTER_TIME_MS;
  }

  /** 6.2: what arrives so late must still be answered: with a keepalive ten seconds later, or after a lost handshake. */
  wantsRekeyOnReceive(now: MonotonicMs): boolean {
    const current = this.sendingKeypair(now);
    return current?.isInitiator === true && now - current.createdAt >= REKEY_ON_RECEIVE_AFTER_MS;
  }

  /** Roaming (section 2.1), for authentic messages only. False when it is there already. */
  moveTo(from: Endpoint): boolean {
    if (this.endpoint?.equals(from) === true) return false;
    this.endpoint ??= new Endpoint();
    this.endpoint.copyFrom(from);
    return true;
  }

  get initiation(): SentInitiation | undefined {
    return this.#initiation;
  }

  /** A new initiation goes out; the one before it is forgotten. */
  setInitiation(index: number, handshake: Handshake, remote: RemoteStatic, now: MonotonicMs): void {
    this.dropInitiation();
    const presharedKey = remote.presharedKey.slice() as PresharedKey; // slice() forgets the brand
    this.#initiation = { index, handshake, remote: { ...remote, presharedKey } };
    this.handshakeSent(now);
  }

  /** The initiation was answered, and its index is a keypair's now. */
  takeInitiation(): void {
    if (this.#initiation !== undefined) wipe(this.#initiation.remote.presharedKey);
    this.#initiation = undefined;
  }

  dropInitiation(): void {
    if (this.#initiation === undefined) return;
    wipeHandshake(this.#initiation.handshake);
    this.#freeIndex(this.#initiation.index);
    this.takeInitiation();
  }

  /** An initiation or response goes out. */
  handshakeSent(now: MonotonicMs): void {
    this.#handshakeSentAt = now;
  }

  /** When the latest initiation or response went out, -Infinity for never. */
  get handshakeSentAt(): MonotonicMs {
    return this.#handshakeSentAt;
  }

  /** 6.1: not more than one initiation in Rekey-Timeout, and none right after a response. */
  mayInitiate(now: MonotonicMs): boolean {
    return now - this.#handshakeSentAt >= REKEY_TIMEOUT_MS;
  }

  /** There is a new reason for a handshake: 6.4 counts Rekey-Attempt-Time from here. */
  startAttempt(now: MonotonicMs): void {
    this.#attemptStartedAt = now;
  }

  hasAttemptEnded(now: MonotonicMs): boolean {
    return now - this.#attemptStartedAt >= REKEY_ATTEMPT_TIME_MS;
  }

  /** 5.1 and 5.4.2: whether an authentic initiation is new. Records it when it is. */
  acceptInitiation(timestamp: Uint8Array, now: MonotonicMs): 'accepted' | 'replayed-handshake' | 'handshake-flood' {
    if (compareTai64n(timestamp, this.#greatestTimestamp) <= 0) return 'replayed-handshake';
    if (now - this.#initiationConsumedAt < INITIATION_INTERVAL_MS) return 'handshake-flood';
    this.#greatestTimestamp = timestamp;
    this.#initiationConsumedAt = now;
    return 'accepted';
  }

  /** Erases everything that a session leaves behind; identity, routes, endpoint and counters stay. */
  clearSession(): void {
    this.timers.clear();
    this.staged.clear();
    this.eraseKeys();
    this.cookies.clear();
    this.#handshakeSentAt = -Infinity;
  }

  /** 6.3: keypairs and handshake. */
  eraseKeys(): void {
    this.keypairs.clear();
    this.dropInitiation();
  }

  /** Nothing secret is left after this. */
  destroy(): void {
    this.clearSession();
    this.eraseRemote();
    wipe(this.presharedKey);
  }

  eraseRemote(): void {
    if (this.remote !== undefined) wipe(this.remote.staticShared);
    this.remote = undefined;
  }
}
