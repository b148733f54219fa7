/**
 * So many at once, then so many a second, of each of many. Kept in memory, and bounded: beyond the limit those that came first are forgotten,
 * which lets them begin anew.
 */
import type { WallMs } from '../../clock.ts';

const MAX_BUCKETS = 50_000;

export class TokenBuckets {
  readonly #burst: number;
  readonly #refillMs: number;
  /** When each bucket will be full again: all that a bucket has to know. */
  readonly #fullAt = new Map<string, WallMs>();

  /** `refillMs`: until one more is allowed. */
  constructor({ burst, refillMs }: { burst: number; refillMs: number }) {
    this.#burst = burst;
    this.#refillMs = refillMs;
  }

  /** Takes one. Milliseconds to wait before there is another; 0 when there was one. */
  take(key: string, now: WallMs): number {
    const emptyMs = this.#burst * this.#refillMs;
    // A clock that was set back must not lock anybody out for as long.
    const fullAt = Math.min(Math.max(this.#fullAt.get(key) ?? now, now), now + emptyMs);
    const waitMs = fullAt + this.#refillMs - (now + emptyMs);
    if (waitMs > 0) return waitMs;
    this.#fullAt.set(key, fullAt + this.#refillMs);
    if (this.#fullAt.size > MAX_BUCKETS) {
      const [oldest] = this.#fullAt.keys();
      this.#fullAt.delete(oldest!); // there are thousands
    }
    return 0;
  }
}
