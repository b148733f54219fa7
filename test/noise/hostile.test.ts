/** Bytes that an attacker chose: every consumer gives undefined or false, and none throws. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { consumeCookieReply, CookieChecker, verifyMac1, writeMacs } from '../../src/noise/cookie.ts';
import { consumeInitiation, consumeResponse } from '../../src/noise/handshake.ts';
import { COOKIE_REPLY_BYTES, INITIATION_BYTES, RESPONSE_BYTES } from '../../src/noise/messages.ts';
import { createPair, initiate, keyFrom } from './pair.ts';

const SOURCE = { family: 4, address: new Uint8Array(16), port: 1 } as const;
const pair = createPair();
const anyLength = fc.uint8Array({ maxLength: 200, size: 'max' });

test('an initiation of random bytes is refused, with a right MAC1 or without', () => {
  fc.assert(
    fc.property(fc.oneof(anyLength, exactly(INITIATION_BYTES)), fc.boolean(), (bytes, isSigned) => {
      if (isSigned && bytes.length > 32) writeMacs(nobleCrypto, bytes, pair.initiator.remote.mac1Key);
      assert.equal(verifyMac1(nobleCrypto, pair.responder.local, bytes), isSigned && bytes.length > 32);
      const consumed = consumeInitiation(nobleCrypto, pair.responder.local, bytes, () => pair.responder.remote);
      assert.equal(consumed, undefined);
    }),
  );
});

test('a response of random bytes is refused', () => {
  const { handshake } = initiate(pair);
  const { local, remote } = pair.initiator;
  fc.assert(
    fc.property(fc.oneof(anyLength, exactly(RESPONSE_BYTES)), (bytes) => {
      assert.equal(consumeResponse(nobleCrypto, local, remote, handshake, bytes), undefined);
    }),
  );
});

test('a cookie reply of random bytes is refused, and random bytes have no MAC2', () => {
  const checker = new CookieChecker(nobleCrypto, (length) => keyFrom('secret').slice(0, length));
  checker.createReply(pair.responder.local, initiate(pair).message, SOURCE, 0);
  fc.assert(
    fc.property(fc.oneof(anyLength, exactly(COOKIE_REPLY_BYTES)), exactly(16), (bytes, mac1) => {
      assert.equal(consumeCookieReply(nobleCrypto, pair.initiator.remote, bytes, mac1), undefined);
      assert.equal(checker.verifyMac2(bytes, SOURCE, 1), false);
    }),
  );
});

function exactly(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}
