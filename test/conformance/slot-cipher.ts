/** The AEAD of the data plane's workers on this runtime, against the reference. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { createPacketMemory, HUGE_ROOM, PACKET, SLOT_ROOM } from '../../runtime/linux/fast/packet-memory.ts';
import { CIPHER_MODES, type CipherMode, createSlotCipher } from '../../runtime/linux/fast/slot-cipher.ts';
import { createWorkerCiphers } from '../../runtime/linux/fast/worker-ciphers.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Aead, CryptoProvider } from '../../src/crypto/port.ts';
import { keyErasureConformance } from './key-copies.ts';

const SLOTS = 3;

/** `modes`: those that this runtime's OpenSSL has, fastest first. */
export function slotCipherConformance(ffi: Ffi, modes: readonly CipherMode[]): void {
  describe('the AEAD in the slots of a worker', () => {
    const ciphers = createWorkerCiphers(ffi, nobleCrypto);

    test('is there where libcrypto is, in the fastest way', () => {
      assert.equal(ciphers?.mode, modes[0]);
    });

    for (const mode of CIPHER_MODES.filter((mode) => !modes.includes(mode)))
      test(`${mode}: is passed over where OpenSSL hides what it takes`, () => {
        assert.equal(createWorkerCiphers(ffi, nobleCrypto, [mode]), undefined);
        assert.equal(createWorkerCiphers(ffi, nobleCrypto, [mode, 'whole'])?.mode, 'whole');
      });

    keyErasureConformance('workers', 'destroyed');

    test('a way that computes something else is passed over', () => {
      const wrong: CryptoProvider = {
        ...nobleCrypto,
        createAead: (key) => nobleCrypto.createAead(key.map((byte) => byte ^ 1)),
      };
      assert.equal(createWorkerCiphers(ffi, wrong), undefined);
    });

    for (const mode of modes) {
      const own = createWorkerCiphers(ffi, nobleCrypto, [mode])!; // it is there: see above
      const memory = createPacketMemory(ffi, SLOTS, { plain: true });
      const cipher = createSlotCipher(ffi, memory, mode);
      const { bytes } = memory.arena;
      const place = (index: number) => memory.wire.at[index]! + PACKET;
      const plainPlace = (index: number) => memory.plain.at[index]! + PACKET;
      const packets = fc
        .tuple(fc.integer({ min: 0, max: SLOTS }), fc.nat(HUGE_ROOM))
        .map(([index, length]) => ({ index, length: index === SLOTS ? length : length % (SLOT_ROOM + 1) }));
      const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
      const counter = fc.maxSafeNat();

      test(`${mode}: seals as the reference does, and opens what that has sealed`, () => {
        fc.assert(
          fc.property(packets, key, counter, fc.nat(255), ({ index, length }, key, counter, seed) => {
            const aead = own.crypto.createAead(key);
            const context = ffi.handle(own.contextOf(aead));
            const expected = Uint8Array.from({ length: length + 16 }, (_, i) => (i * seed + length) & 0xff);
            const packet = expected.slice(0, length);
            bytes.set(packet, place(index));
            nobleCrypto.createAead(key).seal(counter, expected, 0, length);
            assert.equal(cipher.seal(context, index, counter, length), true);
            assert.deepEqual(bytes.slice(place(index), place(index) + length + 16), expected);
            const [low, high] = [counter >>> 0, Math.floor(counter / 2 ** 32)];
            assert.equal(cipher.open(context, index, low, high, length), true);
            const plain = plainPlace(index);
            assert.deepEqual(bytes.slice(plain, plain + length), packet);
            aead.destroy();
            own.freeDestroyed();
          }),
          { numRuns: 60 },
        );
      });

      test(`${mode}: refuses whatever has another bit, key or counter, and leaves nothing of it`, () => {
        fc.assert(
          fc.property(packets, key, counter, fc.nat(), ({ index, length }, key, counter, bit) => {
            const aead = own.crypto.createAead(key);
            const context = ffi.handle(own.contextOf(aead));
            const [low, high] = [counter >>> 0, Math.floor(counter / 2 ** 32)];
            const sealed = (): void => {
              bytes.fill(3, place(index), place(index) + length);
              assert.equal(cipher.seal(context, index, counter, length), true);
            };
            const refuses = (used: Aead, counterHigh: number): void => {
              const plain = plainPlace(index);
              bytes.fill(5, plain, plain + length);
              assert.equal(cipher.open(ffi.handle(own.contextOf(used)), index, low, counterHigh, length), false);
              assert.ok(bytes.subarray(plain, plain + length).every((byte) => byte === 0));
            };
            sealed();
            bytes[place(index) + (bit % (length + 16))]! ^= 1 << (bit & 7);
            refuses(aead, high);
            sealed();
            refuses(aead, high ^ 1);
            sealed();
            const other = own.crypto.createAead(key.map((byte, i) => (i === bit % 32 ? byte ^ 1 : byte)));
            refuses(other, high);
            for (const used of [aead, other]) used.destroy();
            own.freeDestroyed();
          }),
          { numRuns: 60 },
        );
      });
    }
  });
}
