/** The names of the program on Bun. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { mainConformance } from '../../conformance/main.ts';

mainConformance(runtime);
