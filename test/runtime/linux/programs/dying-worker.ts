/** The workers of the data plane, one of which ends without a word as soon as it has a socket. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FastWorkerStart } from '../../../../runtime/linux/fast/worker-link.ts';
import { passGate, wake } from '../../../../src/plane/gate.ts';
import { BEGUN, UDP4_FD, wordOf } from '../../../../src/plane/plane-memory.ts';
import { runtime } from '../../../runtime/this-runtime.ts';

/** The second that receives. */
const DYING = 3;
/** A word that nobody changes. */
const NEVER = 9;

const { worker, memory } = workerData as FastWorkerStart; // as worker-threads.ts starts it
if (worker === DYING) {
  const words = new Int32Array(memory.words);
  Atomics.wait(words, BEGUN, 0);
  wake(words, worker);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
  parentPort!.postMessage(null);
  while (words[wordOf(worker, UDP4_FD)]! < 0) {
    passGate(words, worker);
    Atomics.wait(words, NEVER, 0, 1);
  }
  throw new Error('no more');
}
await import(runtime.workers.fast.href);
