/** The daemon on Deno. In the background it starts itself, and for that it has to be allowed more than the tunnel is. */
import process from 'node:process';
import { FLAGS } from '../../../runtime/deno/flags.ts';
import { runtime } from '../../../runtime/deno/runtime.ts';
import { peerageTunConformance } from '../../conformance/peerage-tun.ts';

await peerageTunConformance(import.meta.url, {
  peerage: runtime.peerage,
  peerageTun: [process.execPath, 'run', ...FLAGS.peerage, runtime.peerageTun.at(-1)!],
  renumbersDescriptors: false,
});
