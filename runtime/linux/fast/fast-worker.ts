/** A worker of the data plane. It ends by returning: a process must not exit while a thread sits in a foreign call. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Ffi } from '../ffi.ts';
import { runInbound } from './inbound.ts';
import { runOutbound } from './outbound.ts';
import type { FastWorkerData } from './worker-link.ts';

export function runFastWorker(ffi: Ffi): void {
  const port = parentPort!; // a worker has one
  const data = workerData as FastWorkerData; // as start-plane.ts starts it
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
  const notify = (): void => port.postMessage(null);
  if (data.role === 'outbound') runOutbound(ffi, data, notify);
  else runInbound(ffi, data, notify);
}
