/** The data plane's workers on Node. */
import { runFastWorker } from '../linux/fast/fast-worker.ts';
import { ffi } from './ffi.ts';

runFastWorker(ffi);
