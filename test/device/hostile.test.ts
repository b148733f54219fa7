/** Bytes from the outside never throw, never get an answer that they did not earn, and never end a session. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { concatBytes } from '../../src/bytes.ts';
import { HEADROOM, TAILROOM } from '../../src/device/contract.ts';
import { Device } from '../../src/device/device.ts';
import type { Network } from '../simulation/network.ts';
import { createSession, endpointOf } from '../simulation/pair.ts';
import { seededRandom } from '../simulation/random.ts';

const ELSEWHERE = endpointOf('203.0.113.66');

/** Type bytes that get past the first check more often than chance would have it. */
const datagram = fc
  .tuple(fc.constantFrom(0, 1, 2, 3, 4, 5), fc.oneof(fc.constantFrom(0, 4, 32, 64, 92, 148, 65_535), fc.nat(300)))
  .chain(([type, length]) =>
    fc.uint8Array({ minLength: Math.min(length, 300), maxLength: Math.min(length, 300) }).map((noise) => {
      const bytes = new Uint8Array(length);
      bytes.set(noise);
      bytes.set([type, 0, 0, 0].slice(0, length));
      return bytes;
    }),
  );

function answers(network: Network, run: () => void): number {
  const before = network.sightings.length;
  run();
  return network.sightings.length - before;
}

describe('hostile datagrams', () => {
  it('of random bytes are dropped and counted, and nothing is answered', () => {
    const { network, bob } = createSession();
    fc.assert(
      fc.property(datagram, fc.nat(3), (bytes, ecn) => {
        const dropped = () => Object.values(bob.drops).reduce((sum, count) => sum + count, 0);
        const before = dropped();
        assert.equal(
          answers(network, () => network.inject(bob, bytes, ELSEWHERE, ecn)),
          0,
        );
        assert.equal(dropped(), before + 1);
      }),
      { numRuns: 500 },
    );
  });

  it('made of real ones with some bits changed are not believed', () => {
    const { network, alice, bob } = createSession();
    network.send(bob, alice);
    network.runUntil(200);
    const real = network.sightings.map(({ bytes }) => bytes);
    const before = [alice, bob].map(({ packets }) => packets.length);
    fc.assert(
      fc.property(fc.constantFrom(...real), fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (bytes, flips) => {
        const changed = bytes.slice();
        for (const flip of flips) changed[(flip >>> 3) % changed.length]! ^= 1 << (flip & 7);
        for (const host of [alice, bob]) network.inject(host, changed, ELSEWHERE);
      }),
      { numRuns: 500 },
    );
    assert.deepEqual(
      [alice, bob].map(({ packets }) => packets.length),
      before,
    );
    assert.equal(bob.peer(alice).endpoint!.toString(), alice.endpoint.toString());
    assert.equal(alice.peer(bob).endpoint!.toString(), bob.endpoint.toString());
    network.send(alice, bob, { number: 9 });
    network.runUntil(network.now + 100);
    assert.equal(bob.received.at(-1), 9);
  });

  it('of a handshake with a byte too many are of a bad length', () => {
    const { network, alice, bob } = createSession();
    network.passes = () => false;
    network.runUntil(200_000);
    network.send(alice, bob);
    network.inject(bob, network.sightings.at(-1)!.bytes, alice.endpoint);
    const handshake = network.sightings.slice(-2).map(({ bytes }) => concatBytes(bytes, Uint8Array.of(0)));
    assert.deepEqual(
      handshake.map((bytes) => bytes[0]),
      [1, 2],
    );
    network.inject(bob, handshake[0]!, ELSEWHERE);
    network.inject(alice, handshake[1]!, ELSEWHERE);
    assert.deepEqual([bob.drops, alice.drops], [{ 'bad-length': 1 }, { 'bad-length': 1 }]);
  });

  it('cut short anywhere are dropped', () => {
    const { network, alice, bob } = createSession();
    for (const { bytes } of network.sightings.slice())
      for (let length = 0; length < bytes.length; length++)
        for (const host of [alice, bob]) network.inject(host, bytes.subarray(0, length), ELSEWHERE);
    assert.equal(bob.packets.length, 1);
    assert.equal(network.sightings.length, 3);
  });
});

describe('hostile packets', () => {
  it('from the TUN or from a peer are routed or dropped, never thrown', () => {
    const { network, alice, bob } = createSession();
    const noise = fc.uint8Array({ maxLength: 120, size: 'max' });
    const packet = fc
      .tuple(fc.constantFrom(0x00, 0x45, 0x4f, 0x60, 0xf0), noise, fc.nat(4))
      .map(([first, bytes, sense]) => {
        // The more sense, the further it gets.
        if (bytes.length > 0) bytes[0] = first;
        if (first >>> 4 !== 4 || bytes.length < 20) return bytes;
        if (sense > 0) bytes.set([10, 0, 0, 2], 16);
        if (sense > 1) bytes.set([0, bytes.length], 2);
        if (sense > 2) bytes.set([10, 0, 0, 1], 12);
        return bytes;
      });
    fc.assert(
      fc.property(packet, (bytes) => {
        network.sendPacket(alice, bytes);
        network.runUntil(network.now + 20);
      }),
      { numRuns: 1_000 },
    );
    assert.ok(bob.drops['bad-inner-packet']! > 10 && bob.drops['source-not-allowed']! > 10);
    network.send(alice, bob, { number: 9 });
    network.runUntil(network.now + 20);
    assert.equal(bob.received.at(-1), 9);
  });

  it('are the RangeError of a caller only when there is no room around them', () => {
    const { alice, network } = createSession();
    const packet = new Uint8Array(HEADROOM + 60 + TAILROOM);
    packet.set([0x45], 0);
    packet.set([10, 0, 0, 2], 16);
    assert.throws(() => alice.device.handlePacket(packet, 0, 60, network.now), RangeError);
  });
});

describe('a device without anything', () => {
  it('takes whatever comes', () => {
    const random = seededRandom(1);
    const device = new Device({ crypto: runtimeCrypto, random: random.bytes, wall: () => 0 });
    device.handleLinkUp(0);
    for (let length = 0; length < 200; length++) {
      device.handleDatagram(random.bytes(length), 0, length, ELSEWHERE, 0, length);
      device.handlePacket(new Uint8Array(HEADROOM + length + TAILROOM), HEADROOM, length, length);
      device.handleTimeout(length);
    }
    assert.equal(device.nextTimeout(), Infinity);
    device.close();
  });
});
