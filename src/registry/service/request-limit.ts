/**
 * How much one host, one address, and one key of an administrator or a token may ask of a registry that serves many: token buckets for what a
 * host reports and waits for, for what it changes of itself, and for all that it reads; one for each address and each other credential; and a
 * number of requests that are held for a host at once. Who behaves stays far below all of them; a host that is broken, or whose key was
 * stolen, slows down nobody but itself.
 *
 * Kept in memory.
 */
import type { WallMs } from '../../clock.ts';
import { clientOf } from './failure-limit.ts';
import { TokenBuckets } from './token-bucket.ts';

/** What a host does. */
export type Asking = 'report' | 'change' | 'read';

const OF_A_HOST: Readonly<Record<Asking, { burst: number; refillMs: number }>> = {
  // Enough for a list that changes a hundred times while a fleet enrols.
  report: { burst: 120, refillMs: 500 },
  // Each may wake all others, and leaves a line in the audit trail.
  change: { burst: 30, refillMs: 10_000 },
  // The agent reads once for each change, and a script once in five minutes.
  read: { burst: 1200, refillMs: 50 },
};
/** Three hundred agents behind one NAT that all hear of twenty changes at once are 6,000 requests. */
const OF_AN_ADDRESS = { burst: 20_000, refillMs: 1 };
/** An import of thousands of hosts is one administrator's, and a token may be a whole fleet's; from however many addresses. */
const OF_A_CREDENTIAL = { burst: 5000, refillMs: 2 };
/** The agent holds one; an agent that starts anew while a proxy keeps the old one, and a person with curl, hold more. */
const HELD_AT_ONCE = 8;

export class RequestLimit {
  readonly #ofHosts = {
    report: new TokenBuckets(OF_A_HOST.report),
    change: new TokenBuckets(OF_A_HOST.change),
    read: new TokenBuckets(OF_A_HOST.read),
  };
  readonly #ofAddresses = new TokenBuckets(OF_AN_ADDRESS);
  readonly #ofCredentials = new TokenBuckets(OF_A_CREDENTIAL);
  readonly #held = new Map<string, number>();

  /** Takes one request of the host. Milliseconds that it should wait before it asks again; 0 when it may go on. */
  take(hostId: string, now: WallMs, asking: Asking): number {
    return this.#ofHosts[asking].take(hostId, now);
  }

  /** The same for all that comes from one address. */
  takeOf(address: string, now: WallMs): number {
    return this.#ofAddresses.take(clientOf(address), now);
  }

  /** The same for an administrator's key or a token, by its public part. */
  takeOfCredential(id: string, now: WallMs): number {
    return this.#ofCredentials.take(id, now);
  }

  /** A place among the host's held requests, and how to leave it, once; undefined when there are too many of them already. */
  hold(hostId: string): (() => void) | undefined {
    const held = this.#held.get(hostId) ?? 0;
    if (held >= HELD_AT_ONCE) return undefined;
    this.#held.set(hostId, held + 1);
    return () => this.#release(hostId);
  }

  /** How many requests wait, of all hosts. */
  get held(): number {
    return [...this.#held.values()].reduce((sum, held) => sum + held, 0);
  }

  #release(hostId: string): void {
    const held = (this.#held.get(hostId) ?? 0) - 1;
    if (held > 0) this.#held.set(hostId, held);
    else this.#held.delete(hostId);
  }
}
