/** The names of the program on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { mainConformance } from '../../conformance/main.ts';

mainConformance(runtime);
