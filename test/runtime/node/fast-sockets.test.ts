/** The data plane's sockets on Node. */
import { ffi } from '../../../runtime/node/ffi.ts';
import { fastSocketsConformance } from '../../conformance/fast-sockets.ts';

fastSocketsConformance(import.meta.url, ffi);
