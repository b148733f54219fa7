/** The poller's thread. It ends by returning: a process must not exit while a thread sits in a foreign call. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Ffi } from './ffi.ts';
import { runPollLoop, type PollLoopData } from './poll-loop.ts';

export function runPollWorker(ffi: Ffi): void {
  const port = parentPort!; // a worker has one
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
  runPollLoop(ffi, workerData as PollLoopData, () => port.postMessage(null)); // as start-poller.ts starts it
}
