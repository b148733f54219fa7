/**
 * The worker's half of the poller: a thread that sits in a blocking poll(2) and wakes the main thread.
 *
 * Shared memory, one Int32 each:
 *   header   STOP, SLEEPING, PENDING, GENERATION, SEEN, RUNNING
 *   slots    FD (-1 when free), ARMED, READY
 *
 * A slot is one-shot: what poll finds readable is disarmed, marked READY and left alone until the main thread arms it
 * again. No wake-up is lost: the worker stores SLEEPING and then reads ARMED, the main thread stores ARMED and then reads
 * SLEEPING, and writes the eventfd when it is set.
 */
import type { Ffi } from './ffi.ts';
import { loadLibc } from './libc.ts';
import { Memory } from './memory.ts';

export const STOP = 0;
export const SLEEPING = 1;
/** A wake-up is on its way to the main thread; another is not needed. */
export const PENDING = 2;
/** Counts changes of the slots' descriptors, and what the worker has seen of them. */
export const GENERATION = 3;
export const SEEN = 4;
/** The worker may hold descriptors: it has begun and not ended. */
export const RUNNING = 5;
const HEADER = 8;

export const SLOTS = 16;
const SLOT_FIELDS = 3;
export const FD = 0;
export const ARMED = 1;
export const READY = 2;
export const SHARED_INTS = HEADER + SLOTS * SLOT_FIELDS;

const POLLIN = 1;
const POLLFD_BYTES = 8;
const FOREVER = -1;

export interface PollLoopData {
  shared: Int32Array<SharedArrayBuffer>;
  eventFd: number;
}

/** Index of a slot's field. */
export function slotField(slot: number, field: typeof FD | typeof ARMED | typeof READY): number {
  return HEADER + slot * SLOT_FIELDS + field;
}

/** Runs until STOP is set. `wake` must reach the main thread whatever that is doing. */
export function runPollLoop(ffi: Ffi, data: PollLoopData, wake: () => void): void {
  const { shared } = data;
  Atomics.store(shared, RUNNING, 1);
  try {
    pollUntilStopped(ffi, data, wake);
  } finally {
    Atomics.store(shared, RUNNING, 0);
    Atomics.store(shared, SEEN, Atomics.load(shared, GENERATION));
    Atomics.notify(shared, SEEN);
  }
}

function pollUntilStopped(ffi: Ffi, { shared, eventFd }: PollLoopData, wake: () => void): void {
  const libc = loadLibc(ffi);
  // With room for what is read from the eventfd: a block of its own would be collected, since nobody looks into it.
  const fds = new Memory(ffi, (SLOTS + 1) * POLLFD_BYTES + 8);
  const size8 = ffi.size(8);
  fds.view.setInt32(SLOTS * POLLFD_BYTES, eventFd, true);
  fds.view.setInt16(SLOTS * POLLFD_BYTES + 4, POLLIN, true);
  const entries = fds.at(0);
  const count = ffi.size(SLOTS + 1);
  const woken = fds.at((SLOTS + 1) * POLLFD_BYTES);

  while (Atomics.load(shared, STOP) === 0) {
    Atomics.store(shared, SLEEPING, 1);
    Atomics.store(shared, SEEN, Atomics.load(shared, GENERATION));
    Atomics.notify(shared, SEEN);
    for (let slot = 0; slot < SLOTS; slot++) {
      const armed = Atomics.load(shared, slotField(slot, ARMED)) === 1;
      // poll passes over negative descriptors, so the table keeps its shape.
      fds.view.setInt32(slot * POLLFD_BYTES, armed ? Atomics.load(shared, slotField(slot, FD)) : -1, true);
      fds.view.setInt16(slot * POLLFD_BYTES + 4, POLLIN, true);
    }
    libc.poll(entries, count, FOREVER);
    Atomics.store(shared, SLEEPING, 0);
    if (revents(fds, SLOTS) !== 0) libc.read(eventFd, woken, size8);
    let ready = false;
    for (let slot = 0; slot < SLOTS; slot++) {
      // Errors count as readable: the read then says which.
      if (revents(fds, slot) === 0) continue;
      Atomics.store(shared, slotField(slot, ARMED), 0);
      Atomics.store(shared, slotField(slot, READY), 1);
      ready = true;
    }
    if (ready && Atomics.exchange(shared, PENDING, 1) === 0) wake();
  }
}

function revents(fds: Memory, index: number): number {
  return fds.view.getInt16(index * POLLFD_BYTES + 6, true);
}
