/** libcrypto on Bun, which is the system’s. */
import { ffi } from '../../../runtime/bun/ffi.ts';
import { libcryptoConformance } from '../../conformance/libcrypto.ts';

libcryptoConformance(ffi);
