import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { x25519 } from '@noble/curves/ed25519.js';
import * as fc from 'fast-check';
import { decodeHex, encodeBase64 } from '../../../src/bytes.ts';
import { isLowOrder } from '../../../src/registry/service/public-keys.ts';

const P_PLUS = (low: string) => `${low}${'ff'.repeat(30)}7f`;

describe('public keys of low order', () => {
  test('are found, in every encoding, and are what X25519 refuses', () => {
    for (const hex of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      P_PLUS('ec'),
      P_PLUS('ed'),
      P_PLUS('ee'),
    ]) {
      const key = decodeHex(hex)!;
      assert.throws(() => x25519.getSharedSecret(x25519.utils.randomSecretKey(), key), hex);
      assert.equal(isLowOrder(encodeBase64(key)), true, hex);
      key[31]! |= 0x80;
      assert.equal(isLowOrder(encodeBase64(key)), true, `${hex} with its highest bit set`);
    }
  });

  test('are not those of any private key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (secret) => {
        assert.equal(isLowOrder(encodeBase64(x25519.getPublicKey(secret))), false);
      }),
      { numRuns: 50 },
    );
  });
});
