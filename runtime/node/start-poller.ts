/** The poller on Node: its worker is a file of its own, beside this one. */
import { Worker } from 'node:worker_threads';
import { createPoller, type Poller } from '../linux/poller.ts';
import { nodeFfi } from './ffi.ts';

export function startPoller(): Poller {
  return createPoller(nodeFfi, (workerData) => new Worker(new URL('poll-worker.ts', import.meta.url), { workerData }));
}
