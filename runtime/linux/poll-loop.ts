/**
 * The worker's half of the poller: a thread that sits in epoll_wait(2) and wakes the main thread, which asks what it is about.
 */
import type { Ffi } from './ffi.ts';
import { EVENT_BYTES } from './epoll.ts';
import { loadLibc } from './libc.ts';
import { Memory } from './memory.ts';

// Shared memory, one Int32 each.
export const STOP = 0;
/** A wake-up is on its way to the main thread; another is not needed. */
export const PENDING = 1;
export const SHARED_INTS = 2;

const FOREVER = -1;

export interface PollLoopData {
  shared: Int32Array<SharedArrayBuffer>;
  /** Of `Epoll`: its bell, which rings as well when the worker has to look at STOP. */
  bell: number;
}

/** Runs until STOP is set. `wake` must reach the main thread whatever that is doing. */
export function runPollLoop(ffi: Ffi, { shared, bell }: PollLoopData, wake: () => void): void {
  const libc = loadLibc(ffi);
  const event = new Memory(ffi, EVENT_BYTES);
  const at = event.at(0);
  while (Atomics.load(shared, STOP) === 0) {
    if (libc.epoll_wait(bell, at, 1, FOREVER) <= 0) continue;
    event.bytes.fill(0); // nobody else looks into it, and the collector would take it
    if (Atomics.exchange(shared, PENDING, 1) === 0) wake();
  }
}
