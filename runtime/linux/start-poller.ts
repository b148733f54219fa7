/** The poller with a worker of this runtime. */
import { Worker } from 'node:worker_threads';
import type { Ffi } from './ffi.ts';
import { createPoller, type Poller } from './poller.ts';
import type { Runtime } from './runtime.ts';

export function startPoller({ workers }: Runtime, ffi: Ffi): Poller {
  return createPoller(ffi, (workerData) => new Worker(workers.poll, { workerData }));
}
