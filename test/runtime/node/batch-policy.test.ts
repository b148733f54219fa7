/** How the data plane's workers are scheduled on Node. */
import { ffi } from '../../../runtime/node/ffi.ts';
import { batchPolicyConformance } from '../../conformance/batch-policy.ts';

batchPolicyConformance(ffi);
