/** Which crypto provider is chosen on Deno. */
import { runtime } from '../../../runtime/deno/runtime.ts';
import { chooseCryptoConformance } from '../../conformance/choose-crypto.ts';

chooseCryptoConformance(runtime, ['libcrypto', 'wasm', 'node', 'noble']);
