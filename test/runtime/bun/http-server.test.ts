import { startHttpServer } from '../../../runtime/bun/http-server.ts';
import { httpServerConformance } from '../../conformance/http-server.ts';

httpServerConformance('of Bun', startHttpServer);
