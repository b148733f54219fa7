/** The handshake before the first: that it is one, and that nothing of it is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Aead } from '../../src/crypto/port.ts';
import { rehearse } from '../../src/plane/rehearse.ts';
import { seededRandom } from '../simulation/random.ts';

const clock = { monotonic: () => 1_000_000, wall: () => 1_700_000_000_000 };

function createWatched() {
  const events: string[] = [];
  const living = new Set<Aead>();
  const crypto = {
    ...nobleCrypto,
    createAead(key: Uint8Array): Aead {
      const own = nobleCrypto.createAead(key);
      const aead: Aead = {
        seal(...args) {
          events.push('sealed');
          own.seal(...args);
        },
        open: (...args) => own.open(...args),
        destroy() {
          living.delete(aead);
          own.destroy();
        },
      };
      living.add(aead);
      return aead;
    },
  };
  const ciphers = { contextOf: () => 1, freeDestroyed: () => void events.push('freed') };
  return { crypto, ciphers, events, living };
}

test('two Devices complete a handshake and seal a packet', () => {
  const { crypto, ciphers, events } = createWatched();
  assert.equal(rehearse({ crypto, ciphers, clock, random: seededRandom(1).bytes }), true);
  assert.deepEqual(events.filter((event) => event === 'sealed').length, 1);
});

test('no key of it is left, and the contexts of the workers are freed last', () => {
  const { crypto, ciphers, events, living } = createWatched();
  rehearse({ crypto, ciphers, clock, random: seededRandom(2).bytes });
  assert.equal(living.size, 0);
  assert.equal(events.at(-1), 'freed');
});

test('a provider that computes nonsense completes no handshake', () => {
  const { crypto, ciphers } = createWatched();
  const wrong = { ...crypto, openWith: () => undefined };
  assert.equal(rehearse({ crypto: wrong, ciphers, clock, random: seededRandom(3).bytes }), false);
});
