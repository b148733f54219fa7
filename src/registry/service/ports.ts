/** What the services need of the world. */
import type { RandomBytes, WallMs } from '../../clock.ts';
import type { Store } from '../store/port.ts';
import type { Listener } from './listeners.ts';

export interface RegistryPorts {
  store: Store;
  bell: Bell;
  random: RandomBytes;
  sha256: (bytes: Uint8Array) => Promise<Uint8Array>;
  sealer: Sealer;
  wall: () => WallMs;
  /** SHA-256, in hexadecimal, of an admin key that is not in the store: a secret of where the registry runs. */
  adminKeyHash?: string | undefined;
  /** Where a request ends when its client hangs up: lets this go on to its end. It never rejects. */
  outlive?: (work: Promise<void>) => void;
}

/** Authenticated encryption with a key of 32 bytes. */
export interface Sealer {
  seal(key: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /** Undefined for what was not sealed with this key. */
  open(key: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Whom a change concerns. */
export interface Audience {
  /** All hosts with these tags. */
  concerns(tags: readonly string[]): boolean;
  /** And these, whatever their tags. */
  readonly hostIds: readonly string[];
}

/** Who waits for a change. */
export interface Waiting {
  readonly hostId: string;
  readonly tags: readonly string[];
  /** The version of the network that it has looked at; undefined: what is rung from now on is news. */
  readonly seen: number | undefined;
}

/** Tells the requests that wait for a change of a network that there is one. */
export interface Bell {
  /** Where nothing can wait: how often to ask instead. Undefined where `wait` waits. */
  readonly pollSeconds?: number;
  /** Whether everything ends: `wait` resolves at once from then on. */
  readonly isClosed?: boolean;
  /** Where hosts can listen: answers the request of one with its socket, or with a status that is not 101 when there are too many. */
  listen?(listener: Listener): Promise<Response>;
  /** After the change is in the store. `version`: of the network. Without an audience it may concern everybody. */
  ring(networkId: number, version: number, audience?: Audience): void;
  /**
   * True once something was rung that may concern the waiter: it has to look whether there is news for it. False after `timeoutMs`, or when
   * `signal` aborts. Never rejects.
   */
  wait(networkId: number, waiter: Waiting, timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}
