/** The watch over a file on Deno. */
import { runtime } from '../../../runtime/deno/runtime.ts';
import { fileWatchConformance } from '../../conformance/file-watch.ts';

await fileWatchConformance(runtime);
