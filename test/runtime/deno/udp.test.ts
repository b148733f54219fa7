/** The UDP adapter on Deno. */
import { runtime } from '../../../runtime/deno/runtime.ts';
import { linuxUdpConformance } from '../../conformance/linux-udp.ts';

await linuxUdpConformance(import.meta.url, runtime);
