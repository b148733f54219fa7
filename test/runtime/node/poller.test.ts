/** The poller on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { pollerConformance } from '../../conformance/poller.ts';

await pollerConformance(runtime);
