/** A clock that stands still until it is told to go on, and the scheduler that belongs to it. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';
import type { Scheduler } from '../../src/tunnel/scheduler.ts';

interface Timer {
  at: number;
  callback: () => void;
}

export class FakeTime implements Clock, Scheduler {
  #now = 1_000_000;
  #soon: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  monotonic(): number {
    return this.#now;
  }

  wall(): number {
    return 1_700_000_000_000 + this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Until nothing happens any more at this time. */
  async settle(): Promise<void> {
    do {
      for (const callback of this.#soon.splice(0)) callback();
      await setImmediate(); // every microtask runs before it
    } while (this.#soon.length > 0);
  }

  /** Goes on by `ms`, stopping at each timer on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await this.settle();
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
    await this.settle();
  }
}
