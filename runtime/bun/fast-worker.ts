/** The data plane's workers on Bun. */
import { runFastWorker } from '../linux/fast/fast-worker.ts';
import { ffi } from './ffi.ts';

runFastWorker(ffi);
