/** The TUN adapter on Deno. */
import { runtime } from '../../../runtime/deno/runtime.ts';
import { linuxTunConformance } from '../../conformance/linux-tun.ts';

await linuxTunConformance(import.meta.url, runtime);
