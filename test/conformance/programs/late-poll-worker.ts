/** A worker of the poller that does not begin before the word `gate` of its data is 1. */
import { parentPort, workerData } from 'node:worker_threads';
import { runPollLoop, type PollLoopData } from '../../../runtime/linux/poll-loop.ts';
import { runtime } from '../../runtime/this-runtime.ts';

const data = workerData as PollLoopData & { gate: Int32Array<SharedArrayBuffer> }; // as the test starts it
const port = parentPort!; // a worker has one
const ffi = await runtime.loadFfi();
Atomics.wait(data.gate, 0, 0);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
runPollLoop(ffi, data, () => port.postMessage(null));
