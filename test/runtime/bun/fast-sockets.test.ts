/** The data plane's sockets on Bun. */
import { ffi } from '../../../runtime/bun/ffi.ts';
import { fastSocketsConformance } from '../../conformance/fast-sockets.ts';

fastSocketsConformance(import.meta.url, ffi);
