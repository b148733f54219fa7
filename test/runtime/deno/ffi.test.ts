/** The FFI adapter of Deno. */
import { ffi } from '../../../runtime/deno/ffi.ts';
import { ffiConformance } from '../../conformance/ffi.ts';

ffiConformance(ffi);
