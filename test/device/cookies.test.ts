/** A device under load: who is made to prove an address, and who is not harmed by it. Section 5.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { generatePrivateKey, generatePresharedKey } from '../../src/keys.ts';
import { consumeCookieReply, mac1Of, writeMacs } from '../../src/noise/cookie.ts';
import { createInitiation, createRemoteStatic, createStaticKeys } from '../../src/noise/handshake.ts';
import { isZero } from '../../src/bytes.ts';
import type { Host, Network } from '../simulation/network.ts';
import { createPair, endpointOf } from '../simulation/pair.ts';

const UNDER_LOAD = { b: { isUnderLoad: () => true } };

/** Somebody who knows Bob's public key and nothing else. */
function createStranger(network: Network, bob: Host) {
  const { bytes: random } = network.random;
  const local = createStaticKeys(runtimeCrypto, generatePrivateKey(random));
  const remote = createRemoteStatic(runtimeCrypto, local, bob.publicKey, generatePresharedKey(random))!;
  return {
    remote,
    initiation(cookie?: Uint8Array): Uint8Array {
      const input = { senderIndex: 1, ephemeralPrivate: generatePrivateKey(random), timestamp: new Uint8Array(12) };
      const { message } = createInitiation(runtimeCrypto, local, remote, input);
      writeMacs(runtimeCrypto, message, remote.mac1Key, cookie);
      return message;
    },
  };
}

describe('under load', () => {
  it('an initiation is answered with a cookie reply, and the next one with its cookie is taken', () => {
    const { network, alice, bob } = createPair(UNDER_LOAD);
    network.send(alice, bob, { number: 1 });
    network.runUntil(1_000);
    assert.deepEqual(
      network.sightings.map(({ bytes }) => bytes[0]),
      [1, 3],
    );
    assert.equal(bob.drops['under-load'], 1);
    network.runUntil(7_000);
    assert.deepEqual(bob.received, [1]);
    const second = network.sightings[2]!.bytes;
    assert.equal(isZero(second.subarray(-16)), false, 'MAC2 is there');
  });

  it('a response has to bring a cookie too', () => {
    const { network, alice, bob } = createPair({ a: { isUnderLoad: () => true } });
    network.send(alice, bob, { number: 1 });
    network.runUntil(7_000);
    assert.deepEqual(bob.received, [1]);
    assert.deepEqual(
      network.sightings.slice(0, 6).map(({ bytes }) => bytes[0]),
      [1, 2, 3, 1, 2, 4],
    );
  });

  it('a cookie reply never moves the endpoint', () => {
    const { network, alice, bob } = createPair(UNDER_LOAD);
    network.passes = ({ bytes }) => bytes[0] !== 3;
    network.send(alice, bob);
    network.runUntil(100);
    network.inject(alice, network.sightings[1]!.bytes, endpointOf('203.0.113.66'));
    assert.equal(alice.peer(bob).endpoint!.toString(), '198.51.100.2:51820');
    assert.equal(alice.peer(bob).rxBytes, 0);
    assert.equal(alice.drops['bad-tag'], undefined, 'it was a right one');
    network.runUntil(6_000);
    assert.equal(isZero(network.sightings[2]!.bytes.subarray(-16)), false, 'and it was used');
  });

  it('a cookie reply is taken once, and its cookie used for less than two minutes', () => {
    const { network, alice, bob } = createPair(UNDER_LOAD);
    network.passes = ({ bytes }) => bytes[0] === 1 && network.now === 0;
    network.send(alice, bob);
    network.runUntil(100);
    const reply = network.sightings[1]!.bytes;
    for (let i = 0; i < 2; i++) network.inject(alice, reply, bob.endpoint);
    assert.equal(alice.drops['bad-tag'], 1);
    network.every(1_000, 130_000, () => network.send(alice, bob));
    network.runUntil(130_000);
    const initiations = network.sightings.filter(({ bytes }) => bytes[0] === 1).slice(1);
    for (const { at, bytes } of initiations) assert.equal(isZero(bytes.subarray(-16)), at >= 115_100, `${at}`);
    assert.ok(initiations.at(-1)!.at > 120_000);
  });

  it('a cookie is forgotten with the session when the link goes down', () => {
    const { network, alice, bob } = createPair(UNDER_LOAD);
    network.send(alice, bob);
    network.runUntil(100);
    alice.device.handleLinkDown();
    alice.device.handleLinkUp(network.now);
    network.send(alice, bob);
    assert.equal(network.count(1), 2);
    assert.equal(isZero(network.sightings.at(-1)!.bytes.subarray(-16)), true);
  });

  it('a cookie reply that was made for another message is dropped', () => {
    const { network, alice, bob } = createPair(UNDER_LOAD);
    network.passes = ({ bytes }) => bytes[0] !== 3;
    network.send(alice, bob);
    network.runUntil(100);
    const wrong = network.sightings[1]!.bytes.slice();
    wrong[40]! ^= 1;
    network.inject(alice, wrong, bob.endpoint);
    assert.equal(alice.drops['bad-tag'], 1);
    network.runUntil(6_000);
    assert.equal(isZero(network.sightings[2]!.bytes.subarray(-16)), true);
  });

  it('a wrong MAC1 gets no answer at all', () => {
    const { network, bob } = createPair(UNDER_LOAD);
    const message = createStranger(network, bob).initiation();
    message[116]! ^= 1;
    network.inject(bob, message, endpointOf('203.0.113.66'));
    assert.equal(network.sightings.length, 0);
    assert.equal(bob.drops['bad-mac1'], 1);
  });

  it('one address that floods with a right cookie is limited, and another address is not', () => {
    const { network, alice, bob } = createPair(UNDER_LOAD);
    const flooder = endpointOf('203.0.113.66');
    const stranger = createStranger(network, bob);
    const first = stranger.initiation();
    network.inject(bob, first, flooder);
    const cookie = consumeCookieReply(runtimeCrypto, stranger.remote, network.sightings[0]!.bytes, mac1Of(first))!;
    for (let i = 0; i < 20; i++) network.inject(bob, stranger.initiation(cookie), flooder);
    assert.equal(bob.drops['handshake-failed'], 5);
    assert.equal(bob.drops['rate-limited'], 15);
    network.send(alice, bob, { number: 1 });
    network.every(10, 7_000, () => network.inject(bob, stranger.initiation(cookie), flooder));
    network.runUntil(7_000);
    assert.deepEqual(bob.received, [1]);
  });

  it('a cookie is good for one address and one port', () => {
    const { network, bob } = createPair(UNDER_LOAD);
    const stranger = createStranger(network, bob);
    const first = stranger.initiation();
    network.inject(bob, first, endpointOf('203.0.113.66', 1));
    const cookie = consumeCookieReply(runtimeCrypto, stranger.remote, network.sightings[0]!.bytes, mac1Of(first))!;
    network.inject(bob, stranger.initiation(cookie), endpointOf('203.0.113.66', 2));
    network.inject(bob, stranger.initiation(cookie), endpointOf('203.0.113.67', 1));
    assert.equal(bob.drops['under-load'], 3);
    network.inject(bob, stranger.initiation(cookie), endpointOf('203.0.113.66', 1));
    assert.equal(bob.drops['handshake-failed'], 1);
  });
});

describe('load', () => {
  it('begins by itself when initiations flood in, and peers still get through', () => {
    const { network, alice, bob } = createPair();
    const stranger = createStranger(network, bob);
    const message = stranger.initiation();
    let port = 0;
    network.every(2, 10_000, () => network.inject(bob, message, endpointOf('203.0.113.66', port++ & 0xffff)));
    network.schedule(2_000, () => network.send(alice, bob, { number: 1 }));
    network.runUntil(10_000);
    assert.ok(bob.drops['under-load']! > 4_000, `${bob.drops['under-load']} cookie replies`);
    assert.deepEqual(bob.received, [1]);
  });

  it('however great is answered with 2,000 cookie replies a second, and with more once it is over', () => {
    const { network, bob } = createPair(UNDER_LOAD);
    const message = createStranger(network, bob).initiation();
    const flood = () => {
      for (let i = 0; i < 3_000; i++) network.inject(bob, message, endpointOf('203.0.113.66'));
    };
    flood();
    const burst = network.count(3);
    assert.ok(burst <= 2_000, `${burst} replies at once`);
    assert.equal(bob.drops['cookie-limited'], 3_000 - burst);
    network.every(10, 1_000, () => {
      for (let i = 0; i < 100; i++) network.inject(bob, message, endpointOf('203.0.113.66'));
    });
    network.runUntil(1_000);
    const replies = network.count(3) - burst;
    assert.ok(replies > 1_900 && replies <= 2_000, `${replies} replies in a second`);
  });

  it('is not felt by thirty hosts behind one address', () => {
    const { network, bob } = createPair();
    const hosts = Array.from({ length: 30 }, (_, i) => {
      const host = network.addHost({ outer: '192.0.2.9', inner: `10.0.1.${i}` });
      host.endpoint.port = 1_000 + i;
      network.connect(host, bob);
      return host;
    });
    for (const [number, host] of hosts.entries()) network.send(host, bob, { number });
    network.runUntil(100);
    assert.equal(bob.packets.length, 30);
  });
});
