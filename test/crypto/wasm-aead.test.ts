import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { TAG_BYTES } from '../../src/crypto/port.ts';
import { createWasmCrypto } from '../../src/crypto/wasm-aead.ts';
import { cryptoConformance } from '../conformance/crypto.ts';

const crypto = createWasmCrypto(nobleCrypto);
assert.ok(crypto, 'this runtime has WebAssembly with SIMD');
cryptoConformance(crypto);

test('every length up to six blocks and more, and packets of any size, are sealed as noble seals them', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const sealed = (provider: typeof nobleCrypto, key: Uint8Array, data: Uint8Array) => {
    const buffer = new Uint8Array(data.length + TAG_BYTES);
    buffer.set(data);
    provider.createAead(key).seal(1, buffer, 0, data.length);
    return buffer;
  };
  const lengths = Array.from({ length: 600 }, (_, length) => length);
  fc.assert(
    fc.property(key, fc.nat(255), (key, fill) => {
      for (const length of [...lengths, 1420, 9000]) {
        const data = new Uint8Array(length).fill(fill);
        assert.deepEqual(sealed(crypto, key, data), sealed(nobleCrypto, key, data), `${length} bytes`);
      }
    }),
    {
      numRuns: 2,
      examples: [
        [new Uint8Array(32), 0],
        [new Uint8Array(32).fill(0xff), 0xff],
      ],
    },
  );
});

test('a packet longer than any is refused', () => {
  const aead = crypto.createAead(new Uint8Array(32));
  assert.throws(() => aead.seal(0, new Uint8Array(200_000), 0, 190_000), RangeError);
});

test('thousands of keys are kept apart, also when the memory grows and erased ones make room', () => {
  const keyOf = (i: number) => new Uint8Array(32).fill(i & 0xff).fill(i >>> 8, 16);
  const aeads = Array.from({ length: 5000 }, (_, i) => crypto.createAead(keyOf(i)));
  for (let i = 0; i < 5000; i += 2) aeads[i]!.destroy();
  for (let i = 0; i < 5000; i += 2) aeads[i] = crypto.createAead(keyOf(i));
  for (const [i, aead] of aeads.entries()) {
    const buffer = new Uint8Array(4 + TAG_BYTES);
    aead.seal(i, buffer, 0, 4);
    assert.equal(nobleCrypto.createAead(keyOf(i)).open(i, buffer, 0, 4), true, `key ${i}`);
  }
});
