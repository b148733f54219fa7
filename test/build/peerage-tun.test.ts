/** The daemon of the single binary. */
import { peerageTunConformance } from '../conformance/peerage-tun.ts';
import { builtBinary } from './binary.ts';

const binary = builtBinary();

await peerageTunConformance(import.meta.url, { peerage: [binary], peerageTun: [binary, 'peerage-tun'] });
