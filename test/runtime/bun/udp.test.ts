/** The UDP adapter on Bun. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { linuxUdpConformance } from '../../conformance/linux-udp.ts';

await linuxUdpConformance(import.meta.url, runtime);
