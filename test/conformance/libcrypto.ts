/** The provider over the libcrypto that a runtime's FFI loads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, createLibcrypto, KNOWN_ANSWER } from '../../runtime/linux/crypto-libcrypto.ts';
import type { Ffi, FfiSignature } from '../../runtime/linux/ffi.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { TAG_BYTES } from '../../src/crypto/port.ts';
import { cryptoConformance } from './crypto.ts';
import { keyErasureConformance, privateKeyErasureConformance } from './key-copies.ts';

export function libcryptoConformance(ffi: Ffi): void {
  const libcrypto = createLibcrypto(ffi);
  assert.ok(libcrypto !== undefined, 'the OpenSSL of this runtime has every primitive');

  cryptoConformance(libcrypto);
  keyErasureConformance('libcrypto', 'destroyed');
  privateKeyErasureConformance('libcrypto');

  test('the known answer is that of the reference', () => {
    assert.equal(answerOf(nobleCrypto), KNOWN_ANSWER);
  });

  test('without the library there is no provider', () => {
    const load = (): never => {
      throw new Error('libcrypto: cannot open shared object file');
    };
    assert.equal(createLibcrypto({ ...ffi, load }), undefined);
  });

  test('a function that is missing makes it no provider', () => {
    const load: Ffi['load'] = (library, symbols) =>
      ffi.load(library, { ...symbols, EVP_not_in_any_release: ['i', ''] satisfies FfiSignature });
    assert.equal(createLibcrypto({ ...ffi, load }), undefined);
  });

  test('a library that computes something else is no provider', () => {
    for (const wrong of ['EVP_CipherUpdate', 'EVP_Digest', 'EVP_MAC_update', 'EVP_PKEY_derive', 'EVP_PKEY_fromdata'])
      assert.equal(createLibcrypto({ ...ffi, load: loadWithout(ffi, wrong) }), undefined, wrong);
  });

  test('an AEAD refuses to reach past the end of the buffer', () => {
    const aead = libcrypto.createAead(new Uint8Array(32));
    const buffer = new Uint8Array(40);
    for (const [offset, length] of [
      [0, 25],
      [41, 0],
      [-1, 8],
      [0, -1],
      [Number.NaN, 8],
    ] as const) {
      assert.throws(() => aead.seal(0, buffer, offset, length), RangeError);
      assert.throws(() => aead.open(0, buffer, offset, length), RangeError);
    }
    assert.deepEqual(buffer, new Uint8Array(40));
    aead.destroy();
  });

  test('an AEAD seals as much as it has room for, and refuses more', () => {
    const key = new Uint8Array(32).fill(1);
    const aead = libcrypto.createAead(key);
    const buffer = new Uint8Array(65_537 + TAG_BYTES);
    assert.throws(() => aead.seal(0, buffer, 0, 65_537), RangeError);
    aead.seal(0, buffer, 0, 65_536);
    assert.equal(nobleCrypto.createAead(key).open(0, buffer, 0, 65_536), true);
    assert.deepEqual(buffer.subarray(0, 65_536), new Uint8Array(65_536));
    aead.destroy();
  });

  test('keys at work at the same time do not mix', () => {
    const keys = Array.from({ length: 50 }, (_, i) => new Uint8Array(32).fill(i));
    const aeads = keys.map((key) => libcrypto.createAead(key));
    for (const round of [0, 1])
      for (const [i, aead] of aeads.entries()) {
        const buffer = new Uint8Array(8 + TAG_BYTES);
        aead.seal(round, buffer, 0, 8);
        assert.equal(nobleCrypto.createAead(keys[i]!).open(round, buffer, 0, 8), true);
        assert.equal(aeads[(i + 1) % aeads.length]!.open(round, buffer, 0, 8), false);
      }
    for (const aead of aeads) aead.destroy();
  });
}

/** A libcrypto in which one function does nothing and says that it went well. */
function loadWithout(ffi: Ffi, wrong: string): Ffi['load'] {
  return (library, symbols) => ({ ...ffi.load(library, symbols), [wrong]: () => 1 });
}
