/**
 * A WireGuard device, sans-IO: datagrams, packets and time go in by `handle*()`, datagrams, packets and drops come out of
 * `poll()`. After each `handle*()` or `configure()`, poll until undefined, and come back at `nextTimeout()`.
 *
 *   datagram -> receive.ts -> receive-handshake.ts | receive-transport.ts -> packet for the TUN
 *   packet   -> send.ts                                                   -> datagram
 *   time     -> timeouts.ts                                               -> datagrams
 */
import type { MonotonicMs, RandomBytes, WallMs } from '../clock.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { CookieChecker } from '../noise/cookie.ts';
import type { KeyLog } from '../noise/key-log.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';
import type { Keypair } from '../transport/keypair.ts';
import { AllowedIps } from './allowed-ips.ts';
import { configureDevice, describeDevice, eraseDevice } from './configure.ts';
import { drop, type DeviceContext, type IndexEntry } from './context.ts';
import type { DatagramOutput, DeviceChange, DeviceState, DropReason, HandshakeObserver, Output } from './contract.ts';
import { handleActivity, handleConfirmed, handleMoved, type DataPlane, type PeerActivity } from './data-plane.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { ForwardClock } from './forward-clock.ts';
import { IndexTable } from './index-table.ts';
import { LoadMeter } from './load-meter.ts';
import { OutputQueue } from './outputs.ts';
import { RateLimiter } from './rate-limiter.ts';
import { receiveDatagram } from './receive.ts';
import { sendPacket, sendPersistentKeepalives } from './send.ts';
import { runTimeouts } from './timeouts.ts';
import { TokenBucket } from './token-bucket.ts';
import { UNREACHABLE_LIMITS } from './unreachable.ts';

/** 1,500 of Ethernet less the outer IPv6 and UDP headers and ours. */
const DEFAULT_MTU = 1420;

/** Some percent of one core at most. */
const COOKIE_REPLY_LIMITS = { perSecond: 2_000, burst: 200 };

export interface DeviceOptions {
  crypto: CryptoProvider;
  random: RandomBytes;
  wall: () => WallMs;
  /** Largest inner packet, in bytes. */
  mtu?: number;
  /** Replaces the device's own measure; asked once for each handshake message with a right MAC1. */
  isUnderLoad?: (now: MonotonicMs) => boolean;
  /** For debugging only: is told the secrets of every handshake. */
  keyLog?: KeyLog;
  observe?: HandshakeObserver;
  /** Seals and opens the packets of established sessions. */
  plane?: DataPlane;
}

export class Device {
  readonly #context: DeviceContext;

  /** Starts without keys and peers, and with the link down. */
  constructor({ crypto, random, wall, mtu, isUnderLoad, keyLog, observe, plane }: DeviceOptions) {
    const load = new LoadMeter();
    this.#context = {
      crypto,
      random,
      wall,
      forwardClock: new ForwardClock(wall),
      keyLog,
      observe: observe ?? (() => {}),
      plane,
      isUnderLoad: isUnderLoad ?? ((now) => load.count(now)),
      peers: new Map(),
      allowedIps: new AllowedIps<Peer>(),
      indices: new IndexTable<IndexEntry>(random),
      deadlines: new DeadlineQueue<Peer>(),
      outputs: new OutputQueue(),
      drops: {},
      cookieChecker: new CookieChecker(crypto, random),
      rateLimiter: new RateLimiter(),
      cookieReplyLimit: new TokenBucket(COOKIE_REPLY_LIMITS, 0),
      unreachableLimit: new TokenBucket(UNREACHABLE_LIMITS, 0),
      identity: undefined,
      mtu: mtu ?? DEFAULT_MTU,
      isUp: false,
    };
  }

  /** A datagram of `length` bytes came from the socket. Transport data is opened in place. `ecn`: the outer header's bits. */
  handleDatagram(
    buffer: Uint8Array,
    offset: number,
    length: number,
    from: Endpoint,
    ecn: number,
    now: MonotonicMs,
  ): void {
    if (!this.#context.isUp) return drop(this.#context, 'link-down');
    receiveDatagram(this.#context, buffer, offset, length, from, ecn, now);
  }

  /** A packet came from the TUN. Sealed in place: HEADROOM bytes must be free before it and TAILROOM behind it. */
  handlePacket(buffer: Uint8Array, offset: number, length: number, now: MonotonicMs): void {
    if (!this.#context.isUp) return drop(this.#context, 'link-down');
    sendPacket(this.#context, buffer, offset, length, now);
  }

  /** To be called at `nextTimeout()`, and harmless earlier. */
  handleTimeout(now: MonotonicMs): void {
    runTimeouts(this.#context, now);
  }

  /** Infinity when there is nothing to wait for. */
  nextTimeout(): MonotonicMs {
    return this.#context.deadlines.next();
  }

  /** The next output, valid until the next `poll()` or `handle*()`. */
  poll(): Output | undefined {
    return this.#context.outputs.take();
  }

  /** The datagram that the last `poll()` gave was refused by the socket: it does not count as sent, as with the kernel module. */
  handleUnsent({ peer, length }: DatagramOutput): void {
    if (peer !== undefined) peer.txBytes -= length;
  }

  /** Counts what was dropped before it got here, or after it had left. */
  countDrop(reason: Extract<DropReason, 'truncated' | 'not-delivered'>): void {
    drop(this.#context, reason);
  }

  /** The data plane has dropped so many. */
  addDrops(reason: DropReason, count: number): void {
    const { drops } = this.#context;
    drops[reason] = (drops[reason] ?? 0) + count;
  }

  /** How much was dropped so far, by reason. */
  get drops(): DeviceState['drops'] {
    return { ...this.#context.drops };
  }

  /** The data plane has carried packets of this peer. */
  handleActivity(peer: Peer, activity: PeerActivity, now: MonotonicMs): void {
    handleActivity(this.#context, peer, activity, now);
  }

  /** The data plane has opened the first message under a keypair. */
  handleConfirmed(peer: Peer, keypair: Keypair, now: MonotonicMs): void {
    handleConfirmed(this.#context, peer, keypair, now);
  }

  /** The data plane has opened a message that came from another place than the one before. `from` is copied. */
  handleMoved(peer: Peer, from: Endpoint): void {
    handleMoved(this.#context, peer, from);
  }

  /** The socket has changed: sticky sources may mean nothing any more. The next datagram of each peer brings a new one. */
  clearSources(): void {
    for (const peer of this.#context.peers.values()) {
      peer.endpoint?.clearSource();
      this.#context.plane?.peerChanged(peer);
    }
  }

  /** The host's routing has changed: `review` looks at each endpoint and says whether it had to change it. */
  reviewSources(review: (endpoint: Endpoint) => boolean): void {
    for (const peer of this.#context.peers.values())
      if (peer.endpoint !== undefined && review(peer.endpoint)) this.#context.plane?.peerChanged(peer);
  }

  /** The interface came up: persistent keepalives go out at once. */
  handleLinkUp(now: MonotonicMs): void {
    if (this.#context.isUp) return;
    this.#context.isUp = true;
    // Told late, what the data plane carried before is no reason for anything.
    for (const peer of this.#context.peers.values()) peer.timers.forgetUntil(now);
    sendPersistentKeepalives(this.#context, now);
  }

  /** The interface went down: sessions, staged packets and timers are dropped, and nothing is sent until it is up. */
  handleLinkDown(): void {
    this.#context.isUp = false;
    for (const peer of this.#context.peers.values()) peer.clearSession();
  }

  configure(change: DeviceChange, now: MonotonicMs): void {
    configureDevice(this.#context, change, now);
  }

  /** A snapshot. It holds keys. */
  describe(): DeviceState {
    return describeDevice(this.#context);
  }

  setMtu(mtu: number): void {
    this.#context.mtu = mtu;
  }

  /** Erases every key and forgets all peers. */
  close(): void {
    eraseDevice(this.#context);
  }
}
