import { startHttpServer } from '../../../runtime/node/http-server.ts';
import { httpServerConformance } from '../../conformance/http-server.ts';

httpServerConformance('of Node', startHttpServer);
