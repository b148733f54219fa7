/** The watch over a file on Bun. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { fileWatchConformance } from '../../conformance/file-watch.ts';

await fileWatchConformance(runtime);
