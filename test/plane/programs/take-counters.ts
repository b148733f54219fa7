/** A thread that takes seven counters at a time and marks each. */
import { workerData } from 'node:worker_threads';
import type { PlaneMemory } from '../../../src/plane/plane-memory.ts';
import { takeCounters } from '../../../src/plane/shared-counter.ts';

interface Data {
  memory: PlaneMemory;
  row: number;
  taken: Int32Array;
  rounds: number;
}

const { memory, row, taken, rounds } = workerData as Data; // as shared-counter.test.ts starts it
const words = new Int32Array(memory.keypairs);
for (let round = 0; round < rounds; round++) {
  const first = takeCounters(words, row, 7);
  for (let i = first; i < first + 7; i++) Atomics.add(taken, i, 1);
}
