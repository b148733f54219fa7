/** How previous, current and next follow each other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { Keypairs } from '../../src/peer/keypairs.ts';
import { createKeypair, type Keypair } from '../../src/transport/keypair.ts';

function createKeypairs() {
  const freed: number[] = [];
  const keypairs = new Keypairs(({ localIndex }) => freed.push(localIndex));
  const indices = () => keypairs.all.map(({ localIndex }) => localIndex);
  return { keypairs, freed, indices };
}

function keypair(localIndex: number, isInitiator: boolean): Keypair {
  const keys = { send: new Uint8Array(32), receive: new Uint8Array(32) };
  return createKeypair(runtimeCrypto, keys, { localIndex, remoteIndex: 0, isInitiator, createdAt: 0 });
}

describe('keypairs', () => {
  it("an initiator's is current at once, and the one before it stays for what is on its way", () => {
    const { keypairs, freed, indices } = createKeypairs();
    for (const index of [1, 2, 3]) keypairs.addAsInitiator(keypair(index, true));
    assert.equal(keypairs.current?.localIndex, 3);
    assert.deepEqual(indices(), [2, 3]);
    assert.deepEqual(freed, [1]);
  });

  it("a responder's is next until a message under it arrives", () => {
    const { keypairs, freed, indices } = createKeypairs();
    keypairs.addAsInitiator(keypair(1, true));
    const next = keypair(2, false);
    keypairs.addAsResponder(next);
    assert.equal(keypairs.current?.localIndex, 1);
    assert.equal(keypairs.promote(keypairs.current), false);
    assert.equal(keypairs.promote(next), true);
    assert.equal(keypairs.current?.localIndex, 2);
    assert.deepEqual(indices(), [1, 2]);
    assert.equal(keypairs.promote(next), false);
    assert.deepEqual(freed, []);
  });

  it('a second response replaces the next one and leaves the current one alone', () => {
    const { keypairs, freed, indices } = createKeypairs();
    keypairs.addAsInitiator(keypair(1, true));
    keypairs.addAsInitiator(keypair(2, true));
    keypairs.addAsResponder(keypair(3, false));
    keypairs.addAsResponder(keypair(4, false));
    assert.deepEqual(indices(), [2, 4]);
    assert.deepEqual(freed, [1, 3]);
  });

  it('when both handshakes of a crossing succeed, each side can still open what the other sends', () => {
    const { keypairs, indices } = createKeypairs();
    keypairs.addAsResponder(keypair(1, false));
    keypairs.addAsInitiator(keypair(2, true));
    assert.equal(keypairs.current?.localIndex, 2);
    assert.deepEqual(indices(), [1, 2]);
  });

  it('that are cleared are erased', () => {
    const { keypairs, freed, indices } = createKeypairs();
    const current = keypair(1, true);
    keypairs.addAsInitiator(current);
    keypairs.addAsResponder(keypair(2, false));
    keypairs.clear();
    assert.deepEqual(freed, [1, 2]);
    assert.deepEqual(indices(), []);
    assert.throws(() => current.send.seal(0, new Uint8Array(32), 0, 16));
  });
});
