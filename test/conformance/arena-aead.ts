/** What every ArenaCrypto must do: agree with noble, keep to its room, and leave nothing of a forged packet. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type ArenaCrypto, ROOM_BEFORE, roomFor } from '../../src/crypto/arena.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { TAG_BYTES } from '../../src/crypto/port.ts';

const LONGEST = 9000;
/** Of two places in the arena, with a guard before, between and behind their rooms. */
const GUARD = 64;
const SEALED = GUARD + ROOM_BEFORE;
const OPENED = Math.ceil((SEALED + roomFor(LONGEST) + GUARD + ROOM_BEFORE) / 16) * 16;
const ARENA_BYTES = OPENED + roomFor(LONGEST) + GUARD;
const UNTOUCHED = 0xa5;

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Around the steps of the cipher, and whatever else. */
const length = fc.oneof(fc.constantFrom(0, 1, 15, 16, 447, 448, 449, 959, 960, 961, 1420, 1472), fc.nat(LONGEST));
const counter = fc.oneof(fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1), fc.maxSafeNat());

export function arenaAeadConformance(name: string, create: (arena: Uint8Array) => ArenaCrypto): void {
  describe(`AEAD on an arena: ${name}`, () => {
    test('seals what noble seals, opens it elsewhere, and touches nothing outside the rooms', () => {
      const arena = new Uint8Array(ARENA_BYTES);
      const crypto = create(arena);
      fc.assert(
        fc.property(key, counter, length, (key, counter, length) => {
          const plaintext = bytesFrom(key, length);
          const expected = sealByNoble(key, counter, plaintext);
          const aead = crypto.createAead(key);
          arena.fill(UNTOUCHED);
          arena.set(plaintext, SEALED);
          aead.seal(counter, SEALED, length);
          assert.deepEqual(arena.slice(SEALED, SEALED + length + TAG_BYTES), expected);
          assert.equal(aead.open(counter, SEALED, OPENED, length), true);
          assert.deepEqual(arena.slice(OPENED, OPENED + length), plaintext);
          const rooms = [SEALED, OPENED].map((at) => [at - ROOM_BEFORE, at + roomFor(length)] as const);
          const outside = arena.filter((_, i) => !rooms.some(([from, to]) => i >= from && i < to));
          assert.ok(outside.every((byte) => byte === UNTOUCHED));
          aead.destroy();
        }),
      );
    });

    test('refuses a packet with any byte of it or its tag changed, or under another counter, and leaves nothing readable', () => {
      const arena = new Uint8Array(ARENA_BYTES);
      const key = new Uint8Array(32).fill(9);
      const aead = create(arena).createAead(key);
      const plaintext = new Uint8Array(100).fill(0x45);
      const sealed = sealByNoble(key, 7, plaintext);
      for (let i = 0; i <= sealed.length; i++) {
        arena.fill(0);
        arena.set(sealed, SEALED);
        if (i < sealed.length) arena[SEALED + i]! ^= 0x80;
        assert.equal(aead.open(i < sealed.length ? 7 : 8, SEALED, OPENED, plaintext.length), false, `byte ${i}`);
        const run = Buffer.from(plaintext.subarray(0, 8));
        assert.equal(Buffer.from(arena).indexOf(run), -1, `plaintext is left after byte ${i} was changed`);
      }
      arena.set(sealed, SEALED);
      assert.equal(aead.open(7, SEALED, OPENED, plaintext.length), true, 'forged ones must not spoil the next');
    });

    test('keys do not mix, however their packets take turns', () => {
      const arena = new Uint8Array(ARENA_BYTES);
      const crypto = create(arena);
      const keys = [1, 2, 3].map((seed) => new Uint8Array(32).fill(seed));
      const aeads = keys.map((key) => crypto.createAead(key));
      for (let counter = 0; counter < 10; counter++)
        for (const [i, aead] of aeads.entries()) {
          const plaintext = bytesFrom(keys[i]!, 50 + counter);
          arena.set(plaintext, SEALED);
          aead.seal(counter, SEALED, plaintext.length);
          const made = arena.slice(SEALED, SEALED + plaintext.length + TAG_BYTES);
          assert.deepEqual(made, sealByNoble(keys[i]!, counter, plaintext));
        }
      aeads[0]!.destroy();
      assert.throws(() => aeads[0]!.seal(0, SEALED, 16), /destroyed/);
      aeads[1]!.seal(99, SEALED, 16); // the others live on
    });
  });
}

function sealByNoble(key: Uint8Array, counter: number, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
  sealed.set(plaintext);
  nobleCrypto.createAead(key).seal(counter, sealed, 0, plaintext.length);
  return sealed;
}

function bytesFrom(seed: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => seed[i % seed.length]! ^ i);
}
