/**
 * How much one host may ask of a registry that serves many: a token bucket for what it reports and waits for, and a number of
 * requests that are held for it at once. A host that behaves stays far below both; one that is broken, or whose key was
 * stolen, slows down nobody but itself.
 *
 * Kept in memory. Only good credentials get here, so there are no more entries than hosts.
 */
import type { WallMs } from '../../clock.ts';

/** Enough for a list that changes a hundred times while a fleet enrols. */
const BURST = 120;
const REFILL_MS = 500;
/** The agent holds one; an agent that starts anew while a proxy keeps the old one, and a person with curl, hold more. */
const HELD_AT_ONCE = 8;

export class RequestLimit {
  /** When each bucket will be full again: all that a bucket has to know. */
  readonly #fullAt = new Map<string, WallMs>();
  readonly #held = new Map<string, number>();

  /** Takes one request of the host. Milliseconds that it should wait before it asks again; 0 when it may go on. */
  take(hostId: string, now: WallMs): number {
    // A clock that was set back must not lock a host out for as long.
    const fullAt = Math.min(Math.max(this.#fullAt.get(hostId) ?? now, now), now + BURST * REFILL_MS);
    const waitMs = fullAt + REFILL_MS - (now + BURST * REFILL_MS);
    if (waitMs > 0) return waitMs;
    this.#fullAt.set(hostId, fullAt + REFILL_MS);
    return 0;
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
