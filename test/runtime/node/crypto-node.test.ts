/** The provider over node:crypto, and WebAssembly over that. */
import assert from 'node:assert/strict';
import { isNodeCryptoAvailable, nodeCrypto } from '../../../runtime/linux/crypto-node.ts';
import { createWasmCrypto } from '../../../src/crypto/wasm-aead.ts';
import { cryptoConformance } from '../../conformance/crypto.ts';
import { keyErasureConformance } from '../../conformance/key-copies.ts';

assert.equal(isNodeCryptoAvailable(), true);

cryptoConformance(nodeCrypto);
// What a tunnel takes here where there is no libcrypto.
cryptoConformance({ ...createWasmCrypto(nodeCrypto)!, name: 'wasm over node' });
keyErasureConformance('node', 'collected');
