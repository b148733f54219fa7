/** The FFI adapter of Bun. */
import { ffi } from '../../../runtime/bun/ffi.ts';
import { ffiConformance } from '../../conformance/ffi.ts';

ffiConformance(ffi);
