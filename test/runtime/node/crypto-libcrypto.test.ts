/** libcrypto on Node, which is Node's own OpenSSL. */
import { ffi } from '../../../runtime/node/ffi.ts';
import { libcryptoConformance } from '../../conformance/libcrypto.ts';

libcryptoConformance(ffi);
