/** The poller's worker on Node. It ends by returning: a process must not exit while a thread sits in a foreign call. */
import { parentPort, workerData } from 'node:worker_threads';
import { runPollLoop, type PollLoopData } from '../linux/poll-loop.ts';
import { nodeFfi } from './ffi.ts';

const port = parentPort!; // a worker has one
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
runPollLoop(nodeFfi, workerData as PollLoopData, () => port.postMessage(null)); // as start-poller.ts starts it
