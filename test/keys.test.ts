import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  formatKey,
  formatKeyHex,
  generatePrivateKey,
  isNoKey,
  parsePublicKey,
  parsePublicKeyHex,
  type PublicKey,
} from '../src/keys.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes as PublicKey); // 32 bytes, as the brand says

describe('keys', () => {
  it('read what they wrote, in base64 and in hexadecimal', () => {
    fc.assert(
      fc.property(key, (key) => {
        assert.deepEqual(parsePublicKey(formatKey(key)), key);
        assert.deepEqual(parsePublicKeyHex(formatKeyHex(key)), key);
      }),
    );
  });

  for (const [what, text] of [
    ['33 bytes', 'A'.repeat(44)],
    ['31 bytes', `${'A'.repeat(42)}==`],
    ['no padding', 'A'.repeat(43)],
    ['bits behind the last byte', `${'A'.repeat(42)}B=`],
    ['the alphabet of URLs', `${'-'.repeat(42)}A=`],
    ['white space', ` ${'A'.repeat(42)}=`],
    ['a line break', `${'A'.repeat(21)}\n${'A'.repeat(21)}=`],
    ['a padding too many', `${'A'.repeat(43)}==`],
    ['padding in the middle', `${'A'.repeat(21)}=${'A'.repeat(21)}=`],
    ['what is no byte', `${'\u0410'.repeat(43)}=`],
    ['half of a character', `\ud800${'A'.repeat(42)}=`],
  ] as const)
    it(`are refused with ${what}`, () => {
      assert.equal(parsePublicKey(text), undefined);
    });

  for (const [what, text] of [
    ['31 bytes', '0'.repeat(62)],
    ['half a byte more', '0'.repeat(65)],
    ['other characters', 'g'.repeat(64)],
  ] as const)
    it(`are refused as hexadecimal with ${what}`, () => {
      assert.equal(parsePublicKeyHex(text), undefined);
    });

  it('are clamped when they are private (RFC 7748 section 5)', () => {
    const ones = generatePrivateKey((length) => new Uint8Array(length).fill(0xff));
    assert.deepEqual([ones[0], ones[1], ones[31]], [0xf8, 0xff, 0x7f]);
    const zeros = generatePrivateKey((length) => new Uint8Array(length));
    assert.deepEqual([zeros[0], zeros[31]], [0, 0x40]);
  });

  it('of zeros only stand for no key', () => {
    assert.ok(isNoKey(new Uint8Array(32) as PublicKey));
    assert.ok(!isNoKey(new Uint8Array(32).fill(1, 31) as PublicKey));
  });
});
