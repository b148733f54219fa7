/** How the data plane's workers are scheduled on Bun. */
import { ffi } from '../../../runtime/bun/ffi.ts';
import { batchPolicyConformance } from '../../conformance/batch-policy.ts';

batchPolicyConformance(ffi);
