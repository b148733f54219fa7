/** A worker that reads the tables, as far as the gate knows, until it is ended from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import { wake } from '../../../src/plane/gate.ts';

/** A word that nobody changes. */
const NEVER = 9;

const words = workerData as Int32Array; // as gate.test.ts starts it
wake(words, 1);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
parentPort!.postMessage(null);
Atomics.wait(words, NEVER, 0);
