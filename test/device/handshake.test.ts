/** Handshakes as a Device makes them: what is answered, what changes state, and when. Sections 5.4.2, 5.4.3 and 6.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { readUint32LE } from '../../src/bytes.ts';
import { parseCidr } from '../../src/ip.ts';
import { writeMacs } from '../../src/noise/cookie.ts';
import { createStaticKeys } from '../../src/noise/handshake.ts';
import { senderIndex } from '../../src/noise/messages.ts';
import { createPair, createSession, endpointOf } from '../simulation/pair.ts';

const ELSEWHERE = endpointOf('203.0.113.66');

describe('an initiation', () => {
  it('that is replayed is dropped and does not move the endpoint', () => {
    const { network, alice, bob } = createSession();
    const initiation = network.sightings[0]!.bytes;
    assert.equal(initiation[0], 1);
    network.runUntil(60_000);
    network.inject(bob, initiation, ELSEWHERE);
    assert.equal(bob.drops['replayed-handshake'], 1);
    assert.equal(bob.peer(alice).endpoint!.toString(), '192.0.2.1:51820');
    assert.equal(network.count(2), 1);
  });

  it('of a stranger who knows our public key is not answered', () => {
    const { network, bob } = createPair();
    const stranger = network.addHost({ outer: '203.0.113.66', inner: '10.0.0.66' });
    network.introduce(stranger, bob);
    network.send(stranger, bob);
    network.runUntil(1_000);
    assert.equal(network.count(2), 0);
    assert.equal(bob.drops['handshake-failed'], 1);
  });

  it('with one wrong bit anywhere is not answered', () => {
    const { network, alice, bob } = createPair();
    network.passes = () => false;
    network.send(alice, bob);
    const { bytes } = network.sightings[0]!;
    for (let i = 0; i < bytes.length - 16; i++) {
      const wrong = bytes.slice();
      wrong[i]! ^= 1 << (i & 7);
      network.inject(bob, wrong, alice.endpoint);
    }
    assert.equal(network.sightings.length, 1);
    assert.equal(bob.peer(alice).rxBytes, 0);
  });

  it('less than 20 ms after another one of the same peer is dropped', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob);
    network.runUntil(5);
    alice.restart();
    alice.wallMs += 1_000;
    network.start(alice);
    network.introduce(alice, bob);
    network.send(alice, bob);
    network.runUntil(1_000);
    assert.equal(bob.drops['handshake-flood'], 1);
    assert.equal(network.count(2), 1);
  });

  it('is sent once in five seconds at most, however much there is to send', () => {
    const { network, alice, bob } = createPair();
    network.passes = ({ bytes }) => bytes[0] !== 1;
    network.every(10, 4_900, () => network.send(alice, bob));
    network.runUntil(4_900);
    assert.equal(network.count(1), 1);
  });

  it('is not sent by a host without a private key', () => {
    const { network, alice, bob } = createPair();
    alice.device.configure({ privateKey: null }, 0);
    network.send(alice, bob);
    assert.equal(network.sightings.length, 0);
    assert.equal(alice.drops['no-private-key'], 1);
    network.inject(alice, new Uint8Array(148).fill(1, 0, 1), bob.endpoint);
    assert.equal(alice.drops['no-private-key'], 2);
  });

  it('moves the endpoint of its sender, and the response goes there', () => {
    const { network, alice, bob } = createPair();
    network.passes = () => false;
    network.send(alice, bob);
    network.inject(bob, network.sightings[0]!.bytes, ELSEWHERE);
    assert.equal(bob.peer(alice).endpoint!.toString(), ELSEWHERE.toString());
    assert.equal(network.sightings[1]!.to, ELSEWHERE.toString());
  });
});

describe('a packet that waits', () => {
  it('gets its handshake even when a response of ours had just gone out and came to nothing', () => {
    const { network, alice, bob } = createPair();
    network.passes = ({ bytes, from, at }) => bytes[0] === 1 && (at === 0 || from === bob.endpoint.toString());
    network.send(alice, bob);
    network.runUntil(1_000);
    network.send(bob, alice, { number: 5 });
    assert.equal(network.count(1, bob), 0, 'not right after a response');
    network.passes = ({ bytes, from }) => bytes[0] !== 1 || from === bob.endpoint.toString();
    network.runUntil(6_000);
    assert.equal(network.count(1, bob), 1);
    assert.deepEqual(alice.received, [5]);
  });

  it('is dropped when its peer has not answered for ninety seconds', () => {
    const { network, alice, bob } = createPair();
    network.passes = () => false;
    network.send(alice, bob, { number: 1 });
    network.runUntil(100_000);
    network.passes = () => true;
    network.send(alice, bob, { number: 2 });
    network.runUntil(101_000);
    assert.deepEqual(bob.received, [2]);
  });
});

describe('a response', () => {
  it('moves the endpoint of its sender', () => {
    const { network, alice, bob } = createPair();
    network.passes = ({ bytes }) => bytes[0] !== 2;
    network.send(alice, bob);
    network.runUntil(100);
    network.inject(alice, network.sightings[1]!.bytes, ELSEWHERE);
    assert.equal(alice.peer(bob).endpoint!.toString(), ELSEWHERE.toString());
  });

  it('that is wrong leaves the handshake open for the right one', () => {
    const { network, alice, bob } = createPair();
    network.passes = ({ bytes }) => bytes[0] !== 2;
    network.send(alice, bob, { number: 7 });
    network.runUntil(100);
    const right = network.sightings[1]!.bytes;
    const wrong = right.slice();
    wrong[50]! ^= 1; // the sealed nothing; whoever knows Alice's public key can write the MAC
    writeMacs(runtimeCrypto, wrong, createStaticKeys(runtimeCrypto, alice.privateKey).mac1Key);
    network.inject(alice, wrong, ELSEWHERE);
    assert.equal(alice.drops['handshake-failed'], 1);
    assert.equal(alice.peer(bob).endpoint!.toString(), bob.endpoint.toString());
    network.inject(alice, right, bob.endpoint);
    network.runUntil(200);
    assert.deepEqual(bob.received, [7]);
  });

  it("finds no handshake when the peer's own initiation was faster", () => {
    const { network, alice, bob } = createPair();
    network.passes = ({ bytes, to }) => bytes[0] !== 2 || to === bob.endpoint.toString();
    network.send(alice, bob);
    network.send(bob, alice, { number: 5 });
    network.runUntil(100);
    assert.deepEqual(alice.received, [5]);
    const late = network.sightings.find(({ bytes, to }) => bytes[0] === 2 && to === alice.endpoint.toString())!;
    network.inject(alice, late.bytes, bob.endpoint);
    assert.equal(alice.drops['unknown-index'], 1);
  });

  it('that is replayed finds no handshake', () => {
    const { network, alice } = createSession();
    network.inject(alice, network.sightings[1]!.bytes, ELSEWHERE);
    assert.equal(alice.drops['unknown-index'], 1);
  });

  it('makes a keypair that the responder does not send with before the initiator has', () => {
    const { network, alice, bob } = createPair();
    network.passes = ({ bytes }) => bytes[0] !== 4;
    network.send(alice, bob);
    network.runUntil(100);
    assert.equal(network.count(4, alice), 1, 'the first message under the new keypair, which is lost');
    network.send(bob, alice, { number: 1 });
    network.runUntil(1_000);
    assert.equal(network.count(4, bob), 0);
    assert.equal(bob.peer(alice).latestHandshakeMs, 0);

    network.passes = () => true;
    network.send(alice, bob, { number: 2 });
    network.runUntil(1_100);
    assert.deepEqual([bob.received, alice.received], [[2], [1]]);
  });

  it('is followed by a keepalive when the initiator has nothing to send', () => {
    const { network, alice, bob } = createPair();
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 1000 });
    network.runUntil(100);
    assert.deepEqual(
      network.sightings.map(({ bytes }) => bytes.length),
      [148, 92, 32],
    );
    assert.notEqual(bob.peer(alice).latestHandshakeMs, 0);
  });
});

describe('receiver indices', () => {
  it('are random, never in sequence', () => {
    const { network, alice, bob } = createPair();
    network.every(1_000, 4 * 3_600_000, () => network.send(alice, bob));
    network.runUntil(4 * 3_600_000);
    const indices = network.sightings.filter(({ bytes }) => bytes[0]! <= 2).map(({ bytes }) => senderIndex(bytes));
    assert.ok(indices.length > 200);
    assert.equal(new Set(indices).size, indices.length);
    const inUpperHalf = indices.filter((index) => index >= 2 ** 31).length;
    assert.ok(inUpperHalf > indices.length / 3 && inUpperHalf < (2 * indices.length) / 3);
    const steps = new Set(indices.slice(1).map((index, i) => index - indices[i]!));
    assert.ok(steps.size > 0.9 * indices.length);
  });
});

describe('a peer whose DH with us is zero', () => {
  it('is kept, but nothing is ever sent to it', () => {
    const { network, alice } = createPair();
    const publicKey = new Uint8Array(32) as typeof alice.publicKey; // a low-order point
    const endpoint = endpointOf('203.0.113.66');
    network.configure(alice, {
      publicKey,
      endpoint,
      persistentKeepalive: 1,
      allowedIps: [{ cidr: parseCidr('10.0.0.66/32')! }],
    });
    network.send(alice, alice, { to: '10.0.0.66' });
    network.runUntil(60_000);
    assert.equal(network.sightings.length, 0);
    assert.equal(alice.device.describe().peers.length, 2);
    assert.equal(alice.drops['bad-peer-key'], 1);
  });
});

describe('the type field', () => {
  it('counts with its reserved bytes', () => {
    const { network, alice, bob } = createPair();
    network.passes = () => false;
    network.send(alice, bob);
    const bytes = network.sightings[0]!.bytes.slice();
    bytes[3] = 1;
    assert.notEqual(readUint32LE(bytes, 0), 1);
    network.inject(bob, bytes, alice.endpoint);
    assert.equal(bob.drops['unknown-type'], 1);
  });
});
