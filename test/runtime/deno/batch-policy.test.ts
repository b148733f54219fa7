/** How the data plane's workers are scheduled on Deno. */
import { ffi } from '../../../runtime/deno/ffi.ts';
import { batchPolicyConformance } from '../../conformance/batch-policy.ts';

batchPolicyConformance(ffi);
