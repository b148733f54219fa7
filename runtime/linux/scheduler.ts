/** The timers of a tunnel: immediates, since a timer of 0 ms would come after a whole one. */
import type { Scheduler } from '../../src/tunnel/scheduler.ts';

export const scheduler: Scheduler = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};
