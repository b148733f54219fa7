/** The poller on Bun. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { pollerConformance } from '../../conformance/poller.ts';

await pollerConformance(runtime);
