/** The HTTP server of Deno. */
import { startHttpServer } from '../../../runtime/deno/http-server.ts';
import { httpServerConformance } from '../../conformance/http-server.ts';

httpServerConformance('of Deno', startHttpServer);
