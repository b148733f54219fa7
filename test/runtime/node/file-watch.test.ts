/** The watch over a file on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { fileWatchConformance } from '../../conformance/file-watch.ts';

await fileWatchConformance(runtime);
