/** The daemon on Bun. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { peerageTunConformance } from '../../conformance/peerage-tun.ts';

await peerageTunConformance(import.meta.url, runtime);
