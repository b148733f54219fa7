/** The provider over node:crypto of Deno. */
import assert from 'node:assert/strict';
import { isNodeCryptoAvailable, nodeCrypto } from '../../../runtime/linux/crypto-node.ts';
import { cryptoConformance } from '../../conformance/crypto.ts';
import { keyErasureConformance } from '../../conformance/key-copies.ts';

assert.equal(isNodeCryptoAvailable(), true);

cryptoConformance(nodeCrypto);
keyErasureConformance('node', 'collected');
