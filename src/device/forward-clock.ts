/**
 * A wall clock that never goes back (5.1): while the real one does, time goes on with the monotonic clock. Peers refuse
 * timestamps that are not greater than the greatest they have seen, also from a peer that was removed and added again.
 */
import type { MonotonicMs, WallMs } from '../clock.ts';

export class ForwardClock {
  readonly #wall: () => WallMs;
  #latest: WallMs = -Infinity;
  #readAt: MonotonicMs = 0;

  constructor(wall: () => WallMs) {
    this.#wall = wall;
  }

  read(now: MonotonicMs): WallMs {
    this.#latest = Math.max(this.#wall(), this.#latest + (now - this.#readAt));
    this.#readAt = now;
    return this.#latest;
  }
}
