/** Hours of two hosts and a bad network: sessions go on, and nobody talks without need. Sections 6.1 to 6.5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { generatePresharedKey } from '../../src/keys.ts';
import { countKeys } from './live-keys.ts';
import { createPair } from './pair.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The most consecutive numbers below `sent` that are missing. */
function longestGap(received: readonly number[], sent: number): number {
  const arrived = new Set(received);
  let longest = 0;
  for (let number = 0, gap = 0; number < sent; number++) {
    gap = arrived.has(number) ? 0 : gap + 1;
    longest = Math.max(longest, gap);
  }
  return longest;
}

describe('six hours on a network that loses, doubles and reorders', () => {
  const { crypto, keys } = countKeys(runtimeCrypto);
  const { network, alice, bob } = createPair({
    crypto,
    seed: 7,
    loss: 0.1,
    duplication: 0.05,
    delayMs: [5, 400],
  });
  const sent = (6 * HOUR) / SECOND;
  network.every(SECOND, 6 * HOUR, (number) => network.send(alice, bob, { number }));
  network.every(1.5 * SECOND, 6 * HOUR, (number) => network.send(bob, alice, { number }));
  network.runUntil(6 * HOUR + SECOND);

  it('loses no more packets than the network does', () => {
    assert.ok(bob.packets.length > 0.88 * sent, `${bob.packets.length} of ${sent}`);
    assert.ok(alice.packets.length > (0.88 * sent) / 1.5, `${alice.packets.length} of ${sent / 1.5}`);
  });

  it('has no outage at any rekeying', () => {
    assert.ok(longestGap(bob.received, sent) < 8, `${longestGap(bob.received, sent)} packets in a row`);
    assert.ok(longestGap(alice.received, sent / 1.5) < 8, `${longestGap(alice.received, sent / 1.5)} in a row`);
  });

  it('delivers nothing twice', () => {
    assert.equal(new Set(bob.received).size, bob.packets.length);
    assert.equal(new Set(alice.received).size, alice.packets.length);
  });

  it('makes about one handshake in two minutes', () => {
    const rekeys = (6 * HOUR) / (2 * MINUTE);
    const initiations = network.count(1);
    assert.ok(initiations >= 0.9 * rekeys && initiations < 1.6 * rekeys, `${initiations} initiations`);
  });

  it('never holds more than three keypairs a peer, and none after both are closed', () => {
    assert.ok(keys.most <= 2 * 2 * 3, `${keys.most} keys`);
    alice.device.close();
    bob.device.close();
    assert.equal(keys.live, 0);
  });
});

describe('silence', () => {
  it('a host that has nothing to say answers data with one keepalive, and nobody answers that', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob);
    network.runUntil(6 * HOUR);
    const messages = network.sightings.map(({ bytes, from }) => [from === alice.endpoint.toString(), bytes.length]);
    assert.deepEqual(messages, [
      [true, 148],
      [false, 92],
      [true, 96],
      [false, 32],
    ]);
    assert.equal(alice.device.nextTimeout(), Infinity);
    assert.equal(bob.device.nextTimeout(), Infinity);
  });

  it('a peer that does not answer gets initiations for ninety seconds and then none', () => {
    const { network, alice, bob } = createPair({ loss: 1 });
    network.send(alice, bob);
    network.runUntil(6 * HOUR);
    const times = network.sightings.map(({ at }) => at);
    assert.ok(times.length >= 17 && times.length <= 19, `${times.length} initiations`);
    assert.ok(times.at(-1)! <= 90 * SECOND);
    const pauses = times.slice(1).map((time, i) => time - times[i]!);
    assert.ok(pauses.every((pause) => pause >= 5_000 && pause <= 5_333));
    assert.ok(new Set(pauses).size > 5, 'no jitter');
  });

  it('a one-way stream makes a keepalive every ten seconds', () => {
    const { network, alice, bob } = createPair();
    network.every(100, 100 * SECOND, () => network.send(alice, bob));
    network.runUntil(HOUR);
    const keepalives = network.sightings.filter(({ bytes }) => bytes.length === 32);
    assert.ok(keepalives.every(({ from }) => from === bob.endpoint.toString()));
    assert.equal(keepalives.length, 10);
  });
});

describe('a session that went wrong', () => {
  it('recovers from a restart of the responder within the time of a new handshake', () => {
    const { network, alice, bob } = createPair();
    network.every(SECOND, 60 * SECOND, (number) => network.send(alice, bob, { number }));
    network.runUntil(20_500);
    bob.restart();
    network.start(bob);
    network.introduce(bob, alice);
    network.runUntil(60 * SECOND);
    assert.ok(longestGap(bob.received, 60) <= 16);
    assert.equal(bob.received.at(-1), 59);
  });

  it('recovers at once from a restart of the initiator', () => {
    const { network, alice, bob } = createPair();
    network.every(SECOND, 60 * SECOND, (number) => network.send(alice, bob, { number }));
    network.runUntil(20_500);
    alice.restart();
    network.start(alice);
    network.introduce(alice, bob);
    network.runUntil(61 * SECOND);
    assert.deepEqual(
      bob.received,
      Array.from({ length: 60 }, (_, i) => i),
    );
  });

  it('two initiations that cross give both a session in one round trip', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob, { number: 1 });
    network.send(bob, alice, { number: 2 });
    network.runUntil(50);
    assert.deepEqual([alice.received, bob.received], [[2], [1]]);
    network.runUntil(HOUR);
    assert.equal(network.count(1), 2);
  });

  it('a packet that arrives on a keypair of 165 seconds makes its initiator renew it at once', () => {
    for (const [age, initiations] of [
      [164, 1],
      [166, 2],
    ] as const) {
      const { network, alice, bob } = createPair();
      network.send(alice, bob);
      network.runUntil(age * SECOND);
      network.send(bob, alice);
      network.runUntil((age + 1) * SECOND);
      assert.equal(network.count(1), initiations, `${age} s`);
      assert.equal(network.count(1, alice), initiations);
    }
  });

  it('a host that only receives still gets its keypair renewed before the sender has to wait', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob); // alice is the initiator and falls silent
    network.every(SECOND, 20 * MINUTE, (number) => network.send(bob, alice, { number }));
    network.runUntil(20 * MINUTE + SECOND);
    assert.equal(longestGap(alice.received, 1200), 0);
  });

  it('a wall clock that jumps back a year does not lock a peer out', () => {
    const { network, alice, bob } = createPair();
    network.every(SECOND, HOUR, (number) => network.send(alice, bob, { number }));
    network.runUntil(10 * MINUTE);
    alice.wallMs -= 365 * 24 * HOUR;
    network.runUntil(HOUR + SECOND);
    assert.equal(longestGap(bob.received, 3600), 0);
    assert.equal(bob.drops['replayed-handshake'], undefined);
  });

  it('nor when the peer is removed and added again meanwhile', () => {
    const { network, alice, bob } = createPair();
    network.every(SECOND, 20 * MINUTE, (number) => network.send(alice, bob, { number }));
    network.runUntil(5 * MINUTE);
    alice.wallMs -= HOUR;
    network.runUntil(15 * MINUTE);
    network.configure(alice, { publicKey: bob.publicKey, remove: true });
    network.introduce(alice, bob);
    network.runUntil(20 * MINUTE + SECOND);
    assert.equal(longestGap(bob.received, 1200), 0);
  });

  it('clocks that differ by years do not matter', () => {
    const { network, alice, bob } = createPair({ a: { wallMs: 0 }, b: { wallMs: 4_000_000_000_000 } });
    network.send(alice, bob, { number: 1 });
    network.send(bob, alice, { number: 2 });
    network.runUntil(SECOND);
    assert.deepEqual([alice.received, bob.received], [[2], [1]]);
  });

  it('a preshared key that is changed on both sides is used by the next handshake, and the session goes on meanwhile', () => {
    const { network, alice, bob } = createPair();
    network.every(SECOND, 10 * MINUTE, (number) => network.send(alice, bob, { number }));
    network.runUntil(30 * SECOND);
    const presharedKey = generatePresharedKey(network.random.bytes);
    network.configure(alice, { publicKey: bob.publicKey, presharedKey });
    network.runUntil(60 * SECOND);
    network.configure(bob, { publicKey: alice.publicKey, presharedKey });
    network.runUntil(10 * MINUTE + SECOND);
    assert.equal(longestGap(bob.received, 600), 0);
    assert.ok(network.count(2) >= 5);
  });

  it('with different preshared keys no session comes about', () => {
    const { network, alice, bob } = createPair();
    network.configure(alice, { publicKey: bob.publicKey, presharedKey: generatePresharedKey(network.random.bytes) });
    network.send(alice, bob);
    network.runUntil(30 * SECOND);
    assert.equal(bob.packets.length, 0);
    assert.ok(alice.drops['handshake-failed']! > 0);
    assert.equal(alice.peer(bob).latestHandshakeMs, 0);
  });
});
