/** The poller's worker on Deno. */
import { runPollWorker } from '../linux/poll-worker.ts';
import { ffi } from './ffi.ts';

runPollWorker(ffi);
