/** A token bucket: `burst` tokens to begin with, refilled at `perSecond`, never above `burst`. */
import type { MonotonicMs } from '../clock.ts';

export interface BucketLimits {
  perSecond: number;
  burst: number;
}

export class TokenBucket {
  readonly #limits: BucketLimits;
  #tokens: number;
  #countedAt: MonotonicMs;

  constructor(limits: BucketLimits, now: MonotonicMs) {
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#countedAt = now;
  }

  /** Takes one token; false when there is none. */
  take(now: MonotonicMs): boolean {
    this.#refill(now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** As good as new: forgetting it changes nothing. */
  isFull(now: MonotonicMs): boolean {
    this.#refill(now);
    return this.#tokens >= this.#limits.burst;
  }

  #refill(now: MonotonicMs): void {
    const elapsed = Math.max(0, now - this.#countedAt);
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + (elapsed * this.#limits.perSecond) / 1000);
    this.#countedAt = now;
  }
}
