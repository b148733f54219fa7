/** node:crypto on Bun, which has no ChaCha20-Poly1305. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNodeCryptoAvailable } from '../../../runtime/linux/crypto-node.ts';

test('the provider over node:crypto says that it does not work here', () => {
  assert.equal(isNodeCryptoAvailable(), false);
});
