/** The provider over node:crypto. */
import assert from 'node:assert/strict';
import { isNodeCryptoAvailable, nodeCrypto } from '../../../runtime/node/crypto-node.ts';
import { cryptoConformance } from '../../conformance/crypto.ts';

assert.equal(isNodeCryptoAvailable(), true);

cryptoConformance(nodeCrypto);
