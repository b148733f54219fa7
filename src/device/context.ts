/** What the parts of a Device share: its tables, its identity and its queue of outputs. Only this folder sees it. */
import type { MonotonicMs, RandomBytes, WallMs } from '../clock.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { formatKey, type PublicKey } from '../keys.ts';
import type { CookieChecker } from '../noise/cookie.ts';
import type { StaticKeys } from '../noise/handshake.ts';
import type { KeyLog } from '../noise/key-log.ts';
import type { Peer } from '../peer/peer.ts';
import type { Keypair } from '../transport/keypair.ts';
import type { AllowedIps } from './allowed-ips.ts';
import type { DropReason, HandshakeObserver } from './contract.ts';
import type { DataPlane } from './data-plane.ts';
import type { DeadlineQueue } from './deadline-queue.ts';
import type { ForwardClock } from './forward-clock.ts';
import type { IndexTable } from './index-table.ts';
import type { OutputQueue } from './outputs.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { TokenBucket } from './token-bucket.ts';

/** What a receiver index stands for: a handshake under way until there is a keypair. */
export interface IndexEntry {
  readonly peer: Peer;
  keypair: Keypair | undefined;
}

export interface DeviceContext {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly wall: () => WallMs;
  /** For the timestamps of initiations. */
  readonly forwardClock: ForwardClock;
  readonly keyLog: KeyLog | undefined;
  readonly observe: HandshakeObserver;
  /** Undefined when the Device seals and opens everything itself. */
  readonly plane: DataPlane | undefined;
  /** Told of each handshake message that passed MAC1. */
  readonly isUnderLoad: (now: MonotonicMs) => boolean;

  readonly peers: Map<string, Peer>;
  readonly allowedIps: AllowedIps<Peer>;
  readonly indices: IndexTable<IndexEntry>;
  readonly deadlines: DeadlineQueue<Peer>;
  readonly outputs: OutputQueue;
  readonly drops: Partial<Record<DropReason, number>>;
  readonly cookieChecker: CookieChecker;
  readonly rateLimiter: RateLimiter;
  readonly cookieReplyLimit: TokenBucket;
  /** ICMP answers. */
  readonly unreachableLimit: TokenBucket;

  /** Undefined without a private key. */
  identity: StaticKeys | undefined;
  /** Largest inner packet, in bytes: padding stops there. */
  mtu: number;
  isUp: boolean;
}

export function drop(device: DeviceContext, reason: DropReason): void {
  device.drops[reason] = (device.drops[reason] ?? 0) + 1;
  device.outputs.drop(reason);
}

export function findPeer(device: DeviceContext, publicKey: PublicKey): Peer | undefined {
  return device.peers.get(formatKey(publicKey));
}
