/** The daemon on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { peerageTunConformance } from '../../conformance/peerage-tun.ts';

await peerageTunConformance(import.meta.url, runtime);
