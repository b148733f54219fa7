/** Which crypto provider is chosen on Bun, whose node:crypto has no ChaCha20-Poly1305. */
import { runtime } from '../../../runtime/bun/runtime.ts';
import { chooseCryptoConformance } from '../../conformance/choose-crypto.ts';

chooseCryptoConformance(runtime, ['libcrypto', 'wasm', 'noble']);
