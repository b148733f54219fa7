/**
 * The send counter of a keypair in shared memory: the control thread and the outbound workers take from it, and no number is
 * given out twice, or a nonce would be.
 *
 * It is 31 bits wide, which is only stricter than section 6.1: at the most that this program carries, Reject-After-Time comes
 * a hundred times earlier. What is left above the limit is more than can be taken by threads that looked before it was reached.
 */
import type { SendCounter } from '../transport/keypair.ts';
import { KEYPAIR_WORDS, type PlaneMemory, SEND_COUNTER } from './plane-memory.ts';

export const SHARED_COUNTER_LIMIT = 2 ** 31 - 2 ** 20;

export class SharedCounter implements SendCounter {
  readonly limit = SHARED_COUNTER_LIMIT;
  /** Of the keypair, in the table of keypairs. */
  readonly row: number;
  readonly #words: Int32Array;

  constructor({ keypairs }: PlaneMemory, row: number) {
    this.#words = new Int32Array(keypairs);
    this.row = row;
    Atomics.store(this.#words, KEYPAIR_WORDS * row + SEND_COUNTER, 0);
  }

  get sent(): number {
    return Atomics.load(this.#words, KEYPAIR_WORDS * this.row + SEND_COUNTER);
  }

  take(): number {
    return takeCounters(this.#words, this.row, 1);
  }
}

/** The first of `count` counters, or -1 when the keypair may not be used any more. */
export function takeCounters(keypairs: Int32Array, row: number, count: number): number {
  const word = KEYPAIR_WORDS * row + SEND_COUNTER;
  if (Atomics.load(keypairs, word) >= SHARED_COUNTER_LIMIT) return -1;
  return Atomics.add(keypairs, word, count);
}
