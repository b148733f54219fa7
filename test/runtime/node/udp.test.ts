/** The UDP adapter on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { linuxUdpConformance } from '../../conformance/linux-udp.ts';

await linuxUdpConformance(import.meta.url, runtime);
