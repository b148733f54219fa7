/** The data plane's workers on Deno. */
import { runFastWorker } from '../linux/fast/fast-worker.ts';
import { ffi } from './ffi.ts';

runFastWorker(ffi);
