/** The provider over node:crypto, and which provider is chosen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCrypto } from '../../../runtime/node/choose-crypto.ts';
import { isNodeCryptoAvailable, nodeCrypto } from '../../../runtime/node/crypto-node.ts';
import { UserError } from '../../../src/errors.ts';
import { cryptoConformance } from '../../conformance/crypto.ts';

cryptoConformance(nodeCrypto);

test('the fastest provider is chosen unless another is asked for', () => {
  assert.equal(isNodeCryptoAvailable(), true);
  assert.equal(chooseCrypto().name, 'node');
  assert.equal(chooseCrypto('node').name, 'node');
  assert.equal(chooseCrypto('noble').name, 'noble');
});

test('an unknown provider is refused with the names of those that work', () => {
  assert.throws(
    () => chooseCrypto('rot13'),
    (error) =>
      error instanceof UserError && error.message.includes('"rot13"') && /node, noble/.test(error.remedy ?? ''),
  );
});
