/** Which crypto provider is chosen on Node. */
import { runtime } from '../../../runtime/node/runtime.ts';
import { chooseCryptoConformance } from '../../conformance/choose-crypto.ts';

chooseCryptoConformance(runtime, ['libcrypto', 'wasm', 'node', 'noble']);
