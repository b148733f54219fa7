/** A worker that reads the tables, as far as the gate knows, and ends once the gate is closed, without a word. */
import { readlinkSync } from 'node:fs';
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { wake } from '../../../src/plane/gate.ts';
import { THREAD_ID, wordOf } from '../../../src/plane/plane-memory.ts';

const GATE = 0;

const words = workerData as Int32Array; // as gate.test.ts starts it
words[wordOf(1, THREAD_ID)] = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
wake(words, 1);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
parentPort!.postMessage(null);
while (Atomics.load(words, GATE) === 0) Atomics.wait(words, GATE, 0, 1);
process.exit();
