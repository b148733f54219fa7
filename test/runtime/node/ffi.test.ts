/** The FFI adapter of Node. */
import { ffi } from '../../../runtime/node/ffi.ts';
import { ffiConformance } from '../../conformance/ffi.ts';

ffiConformance(ffi);
