/**
 * What every crypto provider must do: the vectors of the RFCs, agreement with noble on random input, and the promises that
 * src/crypto/port.ts makes about wrong tags, low-order points and erased keys. Run it in a test file of the provider.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concatBytes, decodeHex, encodeHex, equalBytes } from '../../src/bytes.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { type CryptoProvider, TAG_BYTES } from '../../src/crypto/port.ts';
import blake2sVectors from '../vectors/blake2s.json' with { type: 'json' };
import chachaVectors from '../vectors/chacha20-poly1305.json' with { type: 'json' };
import x25519Vectors from '../vectors/x25519.json' with { type: 'json' };
import xchachaVectors from '../vectors/xchacha20-poly1305.json' with { type: 'json' };

const NOTHING = new Uint8Array(0);
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));
/** Around the places where a counter kept in 32 bits, or in a double, goes wrong. */
const COUNTERS = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 48, 2 ** 53 - 1];

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const data = fc.uint8Array({ maxLength: 300 });
const counter = fc.oneof(fc.constantFrom(...COUNTERS), fc.maxSafeNat());

export function cryptoConformance(crypto: CryptoProvider): void {
  describe(`crypto provider ${crypto.name}: AEAD in place`, () => aeadSuite(crypto));
  describe(`crypto provider ${crypto.name}: AEAD with additional data`, () => sealWithSuite(crypto));
  describe(`crypto provider ${crypto.name}: X25519`, () => dhSuite(crypto));
  describe(`crypto provider ${crypto.name}: BLAKE2s`, () => hashSuite(crypto));
}

function aeadSuite(crypto: CryptoProvider): void {
  test('64 zero bytes are sealed to the keystream of RFC 8439', () => {
    for (const vector of chachaVectors.keystream.vectors) {
      const buffer = new Uint8Array(64 + TAG_BYTES);
      crypto.createAead(hex(vector.key)).seal(0, buffer, 0, 64);
      assert.equal(encodeHex(buffer.subarray(0, 64)), vector.keystream);
    }
  });

  test('the AEAD vectors without additional data are sealed and opened, at any offset', () => {
    for (const vector of chachaVectors.aead.vectors.filter((each) => each.additionalData === '')) {
      const plaintext = hex(vector.plaintext);
      for (const offset of [0, 1, 16]) {
        const aead = crypto.createAead(hex(vector.key));
        const buffer = new Uint8Array(offset + plaintext.length + TAG_BYTES + 3).fill(0xee);
        buffer.set(plaintext, offset);
        aead.seal(vector.counter, buffer, offset, plaintext.length);
        assert.equal(encodeHex(buffer), `${'ee'.repeat(offset)}${vector.sealed}eeeeee`);
        assert.equal(aead.open(vector.counter, buffer, offset, plaintext.length), true);
        assert.deepEqual(buffer.slice(offset, offset + plaintext.length), plaintext);
        assert.deepEqual(buffer.slice(-3), Uint8Array.of(0xee, 0xee, 0xee), 'wrote past the tag');
      }
    }
  });

  test('every bit of a 64-bit counter counts', () => {
    const aead = crypto.createAead(randomBytes(32));
    const sealed = COUNTERS.map((each) => {
      const buffer = new Uint8Array(8 + TAG_BYTES);
      aead.seal(each, buffer, 0, 8);
      return buffer;
    });
    for (const [i, buffer] of sealed.entries())
      for (const [j, each] of COUNTERS.entries())
        assert.equal(aead.open(each, buffer.slice(), 0, 8), i === j, `sealed ${COUNTERS[i]}, opened ${each}`);
  });

  test('agrees with noble in both directions', () => {
    fc.assert(
      fc.property(key, counter, data, (key, counter, plaintext) => {
        for (const [sealer, opener] of [
          [crypto, nobleCrypto],
          [nobleCrypto, crypto],
        ] as const) {
          const buffer = concatBytes(plaintext, new Uint8Array(TAG_BYTES));
          sealer.createAead(key).seal(counter, buffer, 0, plaintext.length);
          assert.equal(opener.createAead(key).open(counter, buffer, 0, plaintext.length), true);
          assert.deepEqual(buffer.slice(0, plaintext.length), plaintext);
        }
      }),
    );
  });

  test('a message with any one bit flipped is refused and leaves nothing readable', () => {
    const aead = crypto.createAead(randomBytes(32));
    const plaintext = new TextEncoder().encode('an inner packet that nobody else may read');
    const sealed = concatBytes(plaintext, new Uint8Array(TAG_BYTES));
    aead.seal(7, sealed, 0, plaintext.length);
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const buffer = sealed.slice();
      buffer[bit >> 3]! ^= 1 << (bit & 7);
      const before = buffer.slice();
      assert.equal(aead.open(7, buffer, 0, plaintext.length), false, `bit ${bit}`);
      assertNothingReadable(buffer, before, plaintext);
    }
  });

  test('a message under another key or counter is refused and leaves nothing readable', () => {
    const plaintext = new Uint8Array(100).fill(0x45); // without zeros: a wiped buffer holds no part of it
    const sealed = concatBytes(plaintext, new Uint8Array(TAG_BYTES));
    const aead = crypto.createAead(randomBytes(32));
    aead.seal(1, sealed, 0, 100);
    for (const [other, counter] of [
      [crypto.createAead(randomBytes(32)), 1],
      [aead, 2],
    ] as const) {
      const buffer = sealed.slice();
      assert.equal(other.open(counter, buffer, 0, 100), false);
      assertNothingReadable(buffer, sealed, plaintext);
    }
    assert.equal(aead.open(1, sealed, 0, 100), true, 'a refused message must not spoil the next one');
  });

  test('a plaintext of 65,519 bytes is sealed and opened', () => {
    const aead = crypto.createAead(randomBytes(32));
    const plaintext = randomBytes(65_519);
    const buffer = concatBytes(plaintext, new Uint8Array(TAG_BYTES));
    aead.seal(3, buffer, 0, plaintext.length);
    assert.equal(aead.open(3, buffer, 0, plaintext.length), true);
    assert.equal(equalBytes(buffer.subarray(0, plaintext.length), plaintext), true);
  });

  test('the key is copied: wiping the caller’s bytes changes nothing', () => {
    const raw = new Uint8Array(randomBytes(32));
    const aead = crypto.createAead(raw);
    const reference = nobleCrypto.createAead(raw);
    raw.fill(0);
    const buffer = new Uint8Array(4 + TAG_BYTES);
    aead.seal(0, buffer, 0, 4);
    assert.equal(reference.open(0, buffer, 0, 4), true);
  });

  test('a destroyed AEAD throws instead of using an erased key', () => {
    const aead = crypto.createAead(randomBytes(32));
    aead.destroy();
    aead.destroy();
    const buffer = new Uint8Array(32);
    assert.throws(() => aead.seal(0, buffer, 0, 16), /destroyed/);
    assert.throws(() => aead.open(0, buffer, 0, 16), /destroyed/);
    assert.deepEqual(buffer, new Uint8Array(32));
  });

  test('a key of another length is the caller’s mistake', () => {
    assert.throws(() => crypto.createAead(new Uint8Array(31)), RangeError);
  });
}

function sealWithSuite(crypto: CryptoProvider): void {
  test('the AEAD vectors are sealed and opened', () => {
    for (const vector of chachaVectors.aead.vectors) {
      const [key, plaintext, additionalData] = [hex(vector.key), hex(vector.plaintext), hex(vector.additionalData)];
      assert.equal(encodeHex(crypto.sealWith(key, vector.counter, plaintext, additionalData)), vector.sealed);
      assert.deepEqual(crypto.openWith(key, vector.counter, hex(vector.sealed), additionalData), plaintext);
    }
  });

  test('the XChaCha20-Poly1305 vector is sealed and opened', () => {
    const { sealed, ...input } = xchachaVectors;
    const [key, nonce, plaintext] = [hex(input.key), hex(input.nonce), hex(input.plaintext)];
    const additionalData = hex(input.additionalData);
    assert.equal(encodeHex(crypto.xsealWith(key, nonce, plaintext, additionalData)), sealed);
    assert.deepEqual(crypto.xopenWith(key, nonce, hex(sealed), additionalData), plaintext);
  });

  test('agrees with noble in both directions', () => {
    fc.assert(
      fc.property(key, counter, data, data, (key, counter, plaintext, additionalData) => {
        const ours = crypto.sealWith(key, counter, plaintext, additionalData);
        const reference = nobleCrypto.sealWith(key, counter, plaintext, additionalData);
        assert.deepEqual(ours, reference);
        assert.deepEqual(crypto.openWith(key, counter, reference, additionalData), plaintext);
      }),
    );
  });

  test('what was tampered with comes back as undefined', () => {
    const [key, nonce] = [randomBytes(32), randomBytes(24)];
    const text = Uint8Array.of(1, 2, 3);
    const sealed = crypto.sealWith(key, 0, text, text);
    const xsealed = crypto.xsealWith(key, nonce, text, text);
    for (let i = 0; i < sealed.length; i++) {
      assert.equal(crypto.openWith(key, 0, flipped(sealed, i), text), undefined);
      assert.equal(crypto.xopenWith(key, nonce, flipped(xsealed, i), text), undefined);
    }
    assert.equal(crypto.openWith(key, 0, sealed, NOTHING), undefined);
    assert.equal(crypto.openWith(key, 1, sealed, text), undefined);
    assert.equal(crypto.xopenWith(key, flipped(nonce, 23), xsealed, text), undefined);
  });

  test('less than a tag comes back as undefined', () => {
    for (const length of [0, 1, TAG_BYTES - 1]) {
      const short = new Uint8Array(length);
      assert.equal(crypto.openWith(new Uint8Array(32), 0, short, NOTHING), undefined);
      assert.equal(crypto.xopenWith(new Uint8Array(32), new Uint8Array(24), short, NOTHING), undefined);
    }
  });
}

function dhSuite(crypto: CryptoProvider): void {
  test('the vectors of RFC 7748 section 5.2', () => {
    for (const vector of x25519Vectors.scalarMultiplication.vectors)
      assert.equal(encodeHex(crypto.dh(hex(vector.scalar), hex(vector.u))!), vector.result);
  });

  test('a thousand iterations of RFC 7748 section 5.2', () => {
    let [k, u]: [Uint8Array, Uint8Array] = [BASE_POINT, BASE_POINT];
    for (let i = 1; i <= 1000; i++) {
      [k, u] = [crypto.dh(k, u)!, k];
      if (i === 1) assert.equal(encodeHex(k), x25519Vectors.iterated.after1);
    }
    assert.equal(encodeHex(k), x25519Vectors.iterated.after1000);
  });

  test('the agreement of RFC 7748 section 6.1', () => {
    const vector = x25519Vectors.agreement;
    const [alice, bob] = [hex(vector.alicePrivate), hex(vector.bobPrivate)];
    assert.equal(encodeHex(crypto.publicKey(alice)), vector.alicePublic);
    assert.equal(encodeHex(crypto.publicKey(bob)), vector.bobPublic);
    assert.equal(encodeHex(crypto.dh(alice, hex(vector.bobPublic))!), vector.shared);
    assert.equal(encodeHex(crypto.dh(bob, hex(vector.alicePublic))!), vector.shared);
  });

  test('agrees with noble, on unclamped private keys and on any public key', () => {
    fc.assert(
      fc.property(key, key, (privateKey, publicKey) => {
        assert.deepEqual(crypto.publicKey(privateKey), nobleCrypto.publicKey(privateKey));
        assert.deepEqual(crypto.dh(privateKey, publicKey), nobleCrypto.dh(privateKey, publicKey));
      }),
      { numRuns: 25 },
    );
  });

  test('a low-order public key gives undefined, not a zero secret', () => {
    for (const point of x25519Vectors.lowOrder.points)
      assert.equal(crypto.dh(randomBytes(32), hex(point)), undefined, point);
  });

  test('keys of another length are the caller’s mistake', () => {
    const [good, bad] = [new Uint8Array(32).fill(9), new Uint8Array(33).fill(9)];
    assert.throws(() => crypto.publicKey(bad), RangeError);
    assert.throws(() => crypto.dh(bad, good), RangeError);
    assert.throws(() => crypto.dh(good, bad), RangeError);
  });

  test('the caller’s keys are left as they are', () => {
    const [privateKey, publicKey] = [new Uint8Array(randomBytes(32)), crypto.publicKey(randomBytes(32))];
    const before = concatBytes(privateKey, publicKey);
    crypto.publicKey(privateKey);
    crypto.dh(privateKey, publicKey);
    assert.deepEqual(concatBytes(privateKey, publicKey), before);
  });
}

function hashSuite(crypto: CryptoProvider): void {
  test('the vector of RFC 7693', () => {
    assert.equal(encodeHex(crypto.hash(new TextEncoder().encode('abc'))), blake2sVectors.abc.hash);
  });

  test('the vectors of the reference implementation: plain, keyed and HMAC', () => {
    for (const vector of blake2sVectors.hash.vectors)
      assert.equal(encodeHex(crypto.hash(counting(vector.length))), vector.hash);
    for (const vector of blake2sVectors.mac.vectors)
      assert.equal(encodeHex(crypto.mac(counting(vector.keyLength), counting(vector.length))), vector.mac);
    for (const vector of blake2sVectors.hmac.vectors)
      assert.equal(encodeHex(crypto.hmac(counting(vector.keyLength), counting(vector.length))), vector.hmac);
  });

  test('parts are hashed one after the other, however they are cut', () => {
    fc.assert(
      fc.property(key, fc.array(data, { maxLength: 4 }), (key, parts) => {
        assert.deepEqual(crypto.hash(...parts), nobleCrypto.hash(concatBytes(...parts)));
        assert.deepEqual(crypto.hmac(key, ...parts), nobleCrypto.hmac(key, concatBytes(...parts)));
      }),
    );
  });
}

/** The buffer may be as it came or wiped, but no byte may have become plaintext. */
function assertNothingReadable(buffer: Uint8Array, before: Uint8Array, plaintext: Uint8Array): void {
  const agreeing = plaintext.filter((byte, i) => buffer[i] === byte && before[i] !== byte).length;
  assert.equal(agreeing, 0, 'some plaintext was left in the buffer');
}

function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index]! ^= 0x80;
  return copy;
}

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

function hex(text: string): Uint8Array {
  const bytes = decodeHex(text);
  assert.ok(bytes !== undefined, `not hexadecimal: ${text}`);
  return bytes;
}
