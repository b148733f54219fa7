/** The poller on Deno. */
import { runtime } from '../../../runtime/deno/runtime.ts';
import { pollerConformance } from '../../conformance/poller.ts';

await pollerConformance(runtime);
