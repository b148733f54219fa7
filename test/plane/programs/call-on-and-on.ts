/** A worker that calls whenever its last call has been seen. */
import { parentPort, workerData } from 'node:worker_threads';
import { mustStop } from '../../../src/plane/gate.ts';
import { PENDING, wordOf } from '../../../src/plane/plane-memory.ts';

const words = workerData as Int32Array; // as calls.test.ts starts it
while (!mustStop(words)) {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
  if (Atomics.exchange(words, wordOf(1, PENDING), 1) === 0) parentPort!.postMessage(null);
}
