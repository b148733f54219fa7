/** The TUN adapter on Bun. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { linuxTunConformance } from '../../conformance/linux-tun.ts';

await linuxTunConformance(import.meta.url, runtime);
