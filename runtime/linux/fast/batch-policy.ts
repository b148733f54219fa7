/**
 * How a worker wants to be scheduled, sched(7). One that has a batch every millisecond asks for SCHED_BATCH: when it wakes, it
 * interrupts nobody who has the core, so that acknowledgments come many at a time and cut into no bulk. While there is less to do it
 * is a thread like any other: where other programs want the cores, one of that policy waits for the next tick of the clock.
 *
 * It needs no privilege. A policy that somebody else has chosen stays, and where this one is refused nothing is lost.
 */
import type { Ffi } from '../ffi.ts';
import { Memory } from '../memory.ts';
import type { FastLibc } from './fast-libc.ts';

const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
const THIS_THREAD = 0;
/** For as many batches as lie between two looks. */
const MUCH_MS = 64;
const LITTLE_MS = 256;
/** A worker that has waited for so long has little to do. */
export const CALM_AFTER_MS = 100;

export interface BatchPolicy {
  /** Whether the thread has SCHED_BATCH, from here. */
  readonly isBatch: boolean;
  /** To be called every so many batches, with the time in milliseconds. */
  look(now: number): void;
  /** There is little to do. */
  calm(): void;
}

/** Of the thread that calls. */
export function createBatchPolicy(
  ffi: Ffi,
  { sched_getscheduler, sched_setscheduler }: Pick<FastLibc, 'sched_getscheduler' | 'sched_setscheduler'>,
): BatchPolicy {
  const parameters = new Memory(ffi, 8); // a priority of 0, which is the only one that both have
  const pointer = parameters.at(0);
  let current = SCHED_OTHER;
  let isOurs = true;
  let lookedAt = 0;

  function choose(policy: number): void {
    if (policy === current || !isOurs) return;
    isOurs = sched_getscheduler(THIS_THREAD) === current && sched_setscheduler(THIS_THREAD, policy, pointer) === 0;
    current = isOurs ? policy : SCHED_OTHER;
  }

  return {
    get isBatch() {
      return current === SCHED_BATCH;
    },
    look(now) {
      const took = now - lookedAt;
      lookedAt = now;
      if (took <= MUCH_MS) choose(SCHED_BATCH);
      else if (took > LITTLE_MS) choose(SCHED_OTHER);
    },
    calm: () => choose(SCHED_OTHER),
  };
}
