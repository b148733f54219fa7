/** A worker of the data plane. It ends by returning: a process must not exit while a thread sits in a foreign call. */
import { parentPort, workerData } from 'node:worker_threads';
import { mustStop } from '../../../src/plane/gate.ts';
import { BEGUN, CIPHER_MODE, DISMISSED, UDP_OFFLOAD, wordOf } from '../../../src/plane/plane-memory.ts';
import type { Ffi } from '../ffi.ts';
import { runInbound } from './inbound.ts';
import { runOutbound } from './outbound.ts';
import { CIPHER_MODES } from './slot-cipher.ts';
import type { FastWorkerData, FastWorkerStart } from './worker-link.ts';

export function runFastWorker(ffi: Ffi): void {
  const port = parentPort!; // a worker has one
  const start = workerData as FastWorkerStart; // as worker-threads.ts starts it
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
  const notify = (): void => port.postMessage(null);
  const words = new Int32Array(start.memory.words);
  Atomics.wait(words, BEGUN, 0);
  if (mustStop(words) || words[wordOf(start.worker, DISMISSED)] === 1) return;
  const data: FastWorkerData = {
    ...start,
    cipherMode: CIPHER_MODES[words[CIPHER_MODE]!]!, // written before BEGUN
    udpOffload: words[UDP_OFFLOAD] === 1,
  };
  if (start.memory.workers[start.worker]!.role === 'outbound') runOutbound(ffi, data, notify);
  else runInbound(ffi, data, notify);
}
