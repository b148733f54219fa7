/** The names of the program on Deno, which are files: through a link it would not find the modules. */
import { fileURLToPath } from 'node:url';
import { runtime } from '../../../runtime/deno/runtime.ts';
import { mainConformance } from '../../conformance/main.ts';

const fileOf = (name: string) => fileURLToPath(new URL(`../../../runtime/deno/${name}.ts`, import.meta.url));

mainConformance(runtime, { wg: fileOf('wg'), 'wg-quick': fileOf('wg-quick') });
