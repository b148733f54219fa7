/** The data plane's sockets on Deno. */
import { ffi } from '../../../runtime/deno/ffi.ts';
import { fastSocketsConformance } from '../../conformance/fast-sockets.ts';

fastSocketsConformance(import.meta.url, ffi);
