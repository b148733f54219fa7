/** The TUN adapter on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { linuxTunConformance } from '../../conformance/linux-tun.ts';

await linuxTunConformance(import.meta.url, runtime);
