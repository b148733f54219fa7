/** The provider over node:crypto. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { isNodeCryptoAvailable, nodeCrypto } from '../../../runtime/linux/crypto-node.ts';
import { cryptoConformance } from '../../conformance/crypto.ts';
import { keyErasureConformance } from '../../conformance/key-copies.ts';

assert.equal(isNodeCryptoAvailable(), true);

cryptoConformance(nodeCrypto);
keyErasureConformance('node', fileURLToPath(new URL('count-key-copies.ts', import.meta.url)), 'collected');
