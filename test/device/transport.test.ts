/** Packets through an established session: cryptokey routing, roaming, padding, marks, ages and counters. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { concatBytes, writeUint16BE } from '../../src/bytes.ts';
import { HEADROOM, TAILROOM, type Output } from '../../src/device/contract.ts';
import { Device } from '../../src/device/device.ts';
import { CE, ECT_0, NOT_ECT, readEcn } from '../../src/device/ecn.ts';
import { parseCidr } from '../../src/ip.ts';
import type { Endpoint } from '../../src/peer/endpoint.ts';
import { countKeys } from '../simulation/live-keys.ts';
import { createPacket } from '../simulation/packets.ts';
import { createPair, createSession, endpointOf } from '../simulation/pair.ts';

const ELSEWHERE = endpointOf('203.0.113.66');
const ALICE_TO_BOB = { from: '10.0.0.1', to: '10.0.0.2' };

describe('cryptokey routing', () => {
  it("a peer that writes another's address as source is dropped, though its endpoint moves", () => {
    const { network, alice, bob } = createSession();
    alice.endpoint = ELSEWHERE;
    network.sendPacket(alice, createPacket({ ...ALICE_TO_BOB, from: '10.0.0.99' }));
    network.runUntil(200);
    assert.equal(bob.packets.length, 1);
    assert.equal(bob.drops['source-not-allowed'], 1);
    assert.equal(bob.peer(alice).endpoint!.toString(), ELSEWHERE.toString());
  });

  it('a peer inside the subnet of another cannot use the rest of that subnet, nor the other its address', () => {
    const { network, alice, bob } = createSession();
    const gateway = network.addHost({ outer: '192.0.2.3', inner: '10.0.0.3' });
    network.connect(gateway, bob, { allowedIps: [{ cidr: parseCidr('10.0.0.0/24')! }] });
    for (const from of ['10.0.0.77', '10.0.0.1']) network.sendPacket(gateway, createPacket({ ...ALICE_TO_BOB, from }));
    network.sendPacket(alice, createPacket({ ...ALICE_TO_BOB, from: '10.0.0.77' }));
    network.runUntil(1_000);
    assert.deepEqual(
      bob.packets.slice(1).map((packet) => packet[15]),
      [77],
    );
    assert.equal(bob.drops['source-not-allowed'], 2);
  });

  it('a destination without a peer gets "unreachable" back into the TUN', () => {
    const { network, alice } = createSession();
    for (const to of ['10.9.9.9']) network.sendPacket(alice, createPacket({ from: '10.0.0.1', to }));
    network.sendPacket(alice, createPacket({ from: 'fd00::1', to: 'fd00::9' }));
    assert.deepEqual(
      alice.packets.map((packet) => [packet[0]! >>> 4, packet[packet[0] === 0x45 ? 20 : 40]]),
      [
        [4, 3],
        [6, 1],
      ],
    );
    assert.equal(alice.drops['no-route'], 2);
  });

  it('a peer without an endpoint is unreachable too', () => {
    const { network, alice } = createSession();
    const silent = network.addHost({ outer: '192.0.2.3', inner: '10.0.0.3', natTimeoutMs: 1 });
    network.introduce(alice, silent);
    network.send(alice, silent);
    assert.equal(alice.drops['no-endpoint'], 1);
    assert.equal(alice.packets.length, 1);
  });

  it('a flood without a route is not answered packet by packet', () => {
    const { network, alice } = createSession();
    for (let i = 0; i < 1_000; i++) network.sendPacket(alice, createPacket({ from: '10.0.0.1', to: '10.9.9.9' }));
    assert.equal(alice.drops['no-route'], 1_000);
    assert.equal(alice.packets.length, 50);
  });
});

describe('the inner packet', () => {
  it('comes out as it went in, whatever its size, and leaves the wire padded to 16 within the MTU', () => {
    const { network, alice, bob } = createSession();
    for (const bytes of [20, 21, 36, 47, 48, 1419, 1420]) {
      const packet = createPacket({ ...ALICE_TO_BOB, bytes, number: bytes });
      network.sendPacket(alice, packet);
      network.runUntil(network.now + 20);
      assert.deepEqual(bob.packets.at(-1), packet);
      const padded = Math.min(16 * Math.ceil(bytes / 16), 1420);
      assert.equal(network.sightings.at(-1)!.bytes.length, 32 + padded, `${bytes}`);
    }
  });

  it('may be as large as 65,455 bytes', () => {
    const { network, alice, bob } = createSession({ a: { mtu: 65_455 } });
    const packet = createPacket({ ...ALICE_TO_BOB, bytes: 65_455 });
    network.sendPacket(alice, packet);
    network.runUntil(200);
    assert.deepEqual(bob.packets.at(-1), packet);
  });

  it('that claims to be longer than it is, or shorter than its header, or of no IP version, is dropped', () => {
    const { network, alice, bob } = createSession();
    for (const length of [0, 19, 65, 65_535]) {
      const packet = createPacket(ALICE_TO_BOB);
      writeUint16BE(packet, 2, length);
      network.sendPacket(alice, packet);
    }
    network.runUntil(200);
    assert.equal(bob.drops['bad-inner-packet'], 4);
    assert.equal(bob.packets.length, 1);
    for (const version of [0, 5, 15])
      network.sendPacket(alice, concatBytes(Uint8Array.of(version << 4), new Uint8Array(40)));
    assert.equal(alice.drops['bad-inner-packet'], 3);
    network.sendPacket(alice, new Uint8Array(19).fill(0x45));
    assert.equal(alice.drops['packet-too-short'], 1);
  });

  it('lends its congestion marks to the datagram and gets back what the way made of them', () => {
    const { network, alice, bob } = createSession();
    network.passes = () => false;
    network.send(alice, bob, { ecn: ECT_0 });
    const { bytes, ecn } = network.sightings.at(-1)!;
    assert.equal(ecn, ECT_0);
    network.inject(bob, bytes, alice.endpoint, CE);
    assert.equal(readEcn(4, bob.packets.at(-1)!, 0), CE);

    network.send(alice, bob, { ecn: NOT_ECT });
    network.inject(bob, network.sightings.at(-1)!.bytes, alice.endpoint, CE);
    assert.equal(bob.drops['ecn-mismatch'], 1);
  });

  it('keeps its mark while it is staged', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob, { ecn: ECT_0 });
    network.runUntil(100);
    assert.deepEqual(
      network.sightings.map(({ ecn }) => ecn),
      [NOT_ECT, NOT_ECT, ECT_0],
    );
  });
});

describe('transport data', () => {
  it('is opened once, and with the right tag only', () => {
    const { network, alice, bob } = createSession();
    network.passes = () => false;
    network.send(alice, bob);
    const { bytes } = network.sightings.at(-1)!;
    const wrong = bytes.slice();
    wrong[wrong.length - 1]! ^= 1;
    for (const attempt of [wrong, bytes, bytes]) network.inject(bob, attempt, ELSEWHERE);
    assert.equal(bob.packets.length, 2);
    assert.deepEqual(bob.drops, { 'bad-tag': 1, replayed: 1 });
  });

  it('that is replayed from elsewhere does not move the endpoint', () => {
    const { network, alice, bob } = createSession();
    const data = network.sightings.find(({ bytes }) => bytes[0] === 4)!;
    network.inject(bob, data.bytes, ELSEWHERE);
    assert.equal(bob.drops.replayed, 1);
    assert.equal(bob.peer(alice).endpoint!.toString(), alice.endpoint.toString());
  });

  it('is refused after 180 seconds, and its keypair is erased on both sides after 540', () => {
    const { crypto, keys } = countKeys(runtimeCrypto);
    const { network, alice, bob } = createSession({ crypto });
    network.passes = () => false;
    network.send(alice, bob);
    const { bytes } = network.sightings.at(-1)!;
    network.runUntil(181_000);
    network.inject(bob, bytes, alice.endpoint);
    assert.equal(bob.drops['stale-keypair'], 1);
    assert.equal(keys.live, 4);
    network.runUntil(541_000);
    assert.equal(keys.live, 0);
    network.inject(bob, bytes, alice.endpoint);
    assert.equal(bob.drops['unknown-index'], 1);
  });

  it('is counted byte for byte on both sides, handshakes and keepalives included', () => {
    const { network, alice, bob } = createSession();
    network.every(900, 1_000_000, () => network.send(alice, bob, { bytes: 333 }));
    network.every(7_000, 1_000_000, () => network.send(bob, alice, { bytes: 1400 }));
    network.runUntil(1_100_000);
    const wire = (from: string) =>
      network.sightings.filter((one) => one.from === from).reduce((sum, { bytes }) => sum + bytes.length, 0);
    const [a, b] = [alice.peer(bob), bob.peer(alice)];
    assert.deepEqual([a.txBytes, b.rxBytes], [wire(alice.endpoint.toString()), a.txBytes]);
    assert.deepEqual([b.txBytes, a.rxBytes], [wire(bob.endpoint.toString()), b.txBytes]);
  });

  it('waits for a session, in order, and the oldest goes when there are more than 128', () => {
    const { network, alice, bob } = createPair();
    for (let number = 0; number < 200; number++) network.send(alice, bob, { number });
    network.runUntil(1_000);
    assert.deepEqual(
      bob.received,
      Array.from({ length: 128 }, (_, i) => 72 + i),
    );
    assert.equal(alice.drops['queue-full'], 72);
  });
});

describe('the sticky source', () => {
  function fromAlice(): Endpoint {
    const from = endpointOf('192.0.2.1');
    from.source.set([198, 51, 100, 2]);
    from.hasSource = true;
    return from;
  }

  it('is where the latest message was written to, until nothing comes back for fifteen seconds', () => {
    const { network, alice, bob } = createSession();
    network.passes = () => false;
    network.send(alice, bob);
    network.inject(bob, network.sightings.at(-1)!.bytes, fromAlice());
    network.send(bob, alice);
    assert.equal(bob.peer(alice).endpoint!.hasSource, true);
    network.runUntil(15_000);
    assert.equal(bob.peer(alice).endpoint!.hasSource, true);
    network.runUntil(15_500);
    assert.equal(bob.peer(alice).endpoint!.hasSource, false);
  });

  it('is given up with the first initiation that is not answered', () => {
    const { network, alice, bob } = createPair();
    network.passes = () => false;
    network.configure(bob, { publicKey: alice.publicKey, endpoint: fromAlice() });
    network.send(bob, alice);
    network.runUntil(5_000);
    assert.equal(bob.peer(alice).endpoint!.hasSource, true);
    network.runUntil(5_400);
    assert.equal(bob.peer(alice).endpoint!.hasSource, false);
  });
});

describe('the outputs of a Device', () => {
  it('are the same few objects for any number of packets', () => {
    const { alice, bob, network } = createSession();
    const buffer = new Uint8Array(HEADROOM + 60 + TAILROOM);
    const outputs = new Set<Output>();
    for (let i = 0; i < 1_000; i++) {
      buffer.set(createPacket(ALICE_TO_BOB), HEADROOM);
      alice.device.handlePacket(buffer, HEADROOM, 60, network.now);
      const sent = alice.device.poll();
      assert.equal(sent?.type, 'datagram');
      outputs.add(sent);
      bob.device.handleDatagram(sent.buffer, sent.offset, sent.length, alice.endpoint, 0, network.now);
      const opened = bob.device.poll();
      assert.equal(opened?.type, 'packet');
      assert.equal(opened.buffer, buffer, 'sealed and opened in place');
      outputs.add(opened);
      assert.equal(alice.device.poll() ?? bob.device.poll(), undefined);
    }
    assert.ok(outputs.size <= 512, `${outputs.size}`);
  });

  it('stay as they are until the next call, also when many are waiting', () => {
    const device = new Device({ crypto: runtimeCrypto, random: (length) => new Uint8Array(length), wall: () => 0 });
    const seen: string[] = [];
    for (let i = 0; i < 40; i++) device.handleDatagram(new Uint8Array(i), 0, i, ELSEWHERE, 0, 0);
    for (let output = device.poll(); output !== undefined; output = device.poll())
      seen.push(output.type === 'drop' ? output.reason : output.type);
    assert.deepEqual(
      seen,
      Array.from({ length: 40 }, () => 'link-down'),
    );
  });
});
