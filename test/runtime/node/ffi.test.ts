/** The FFI adapter of Node. */
import { nodeFfi } from '../../../runtime/node/ffi.ts';
import { ffiConformance } from '../../conformance/ffi.ts';

ffiConformance(nodeFfi);
