/** A worker that reads the tables, as far as the gate knows, until it is ended from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import { wake } from '../../../src/plane/gate.ts';

const words = workerData as Int32Array; // as gate.test.ts starts it
wake(words, 'inbound');
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
parentPort!.postMessage(null);
Atomics.wait(words, 40, 0);
