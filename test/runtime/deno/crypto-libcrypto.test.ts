/** libcrypto on Deno, which is the system’s. */
import { ffi } from '../../../runtime/deno/ffi.ts';
import { libcryptoConformance } from '../../conformance/libcrypto.ts';

libcryptoConformance(ffi);
