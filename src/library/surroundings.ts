/**
 * Time, randomness and timers as every JavaScript host has them, for whoever brings no others. The only file of src/ that
 * asks for them; a program that needs better ones (a clock that goes on in sleep) hands in its own.
 */
import type { Clock, RandomBytes } from '../clock.ts';
import type { Scheduler } from '../tunnel/scheduler.ts';

/** `monotonic` may stand still while the machine sleeps. */
export const systemClock: Clock = { monotonic: () => performance.now(), wall: () => Date.now() };

/** `length` bytes (at most 65,536) of Web Crypto. */
export const randomBytes: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()));
}

export const timerScheduler: Scheduler = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  // Not a microtask: sockets and timers would starve.
  soon: (callback) => void setTimeout(callback, 0),
};
