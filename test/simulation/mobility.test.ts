/** Hosts that move, hosts behind NAT, and a whole mesh of them: section 2.1 and what persistent keepalives are for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { Network, type Host } from './network.ts';
import { createPair, createSession, endpointOf } from './pair.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function createNetwork(options: { loss?: number; duplication?: number; delayMs?: readonly [number, number] } = {}) {
  return new Network({ crypto: runtimeCrypto, seed: 3, delayMs: [10, 10], ...options });
}

describe('roaming', () => {
  it('a peer is followed to its new address with its first message from there', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob, { number: 1 });
    network.runUntil(SECOND);
    alice.endpoint = endpointOf('203.0.113.9');
    network.send(alice, bob, { number: 2 });
    network.runUntil(2 * SECOND);
    network.send(bob, alice, { number: 3 });
    network.runUntil(3 * SECOND);
    assert.deepEqual([bob.received, alice.received], [[1, 2], [3]]);
    assert.equal(bob.peer(alice).endpoint!.toString(), '203.0.113.9:51820');
    assert.equal(network.count(1), 1, 'no handshake is needed for it');
  });

  it('from IPv4 to IPv6 and back', () => {
    const { network, alice, bob } = createPair();
    for (const [i, address] of ['192.0.2.1', '2001:db8::1', '192.0.2.77'].entries()) {
      alice.endpoint = endpointOf(address);
      network.send(alice, bob, { number: i });
      network.runUntil(network.now + SECOND);
      network.send(bob, alice, { number: i });
      network.runUntil(network.now + SECOND);
    }
    assert.deepEqual(alice.received, [0, 1, 2]);
    assert.deepEqual(bob.received, [0, 1, 2]);
  });

  it('what is sent to the old address is lost only until the peer that moved says something', () => {
    const { network, alice, bob } = createSession();
    alice.endpoint = endpointOf('203.0.113.9');
    network.every(SECOND, HOUR, (number) => network.send(bob, alice, { number }));
    network.schedule(30 * SECOND, () => network.send(alice, bob, { number: 1 }));
    network.runUntil(HOUR);
    assert.equal(bob.peer(alice).endpoint!.toString(), '203.0.113.9:51820');
    assert.ok(alice.packets.length > 3_500);
  });
});

describe('a host behind a NAT that forgets after 30 seconds', () => {
  function createNatted(persistentKeepalive: number): { network: Network; inside: Host; outside: Host } {
    const network = createNetwork();
    const inside = network.addHost({ outer: '192.0.2.1', inner: '10.0.0.1', natTimeoutMs: 30 * SECOND });
    const outside = network.addHost({ outer: '198.51.100.2', inner: '10.0.0.2' });
    network.introduce(outside, inside);
    network.introduce(inside, outside, { persistentKeepalive });
    network.send(inside, outside);
    network.runUntil(SECOND);
    network.every(7 * MINUTE, 3 * HOUR, (number) => network.send(outside, inside, { number }));
    network.runUntil(3 * HOUR);
    return { network, inside, outside };
  }

  it('is reached at any time with a persistent keepalive of 25 seconds', () => {
    const { network, inside } = createNatted(25);
    assert.deepEqual(
      inside.received,
      Array.from({ length: 26 }, (_, i) => i),
    );
    const perHour = network.count(4, inside) / 3;
    assert.ok(perHour < 3600 / 20, `${perHour} messages an hour`);
  });

  it('is not reached without one once the mapping is gone', () => {
    const { inside } = createNatted(0);
    assert.deepEqual(inside.received, [0]);
  });

  it('comes back by itself after the outside peer was away for an hour', () => {
    const network = createNetwork();
    const inside = network.addHost({ outer: '192.0.2.1', inner: '10.0.0.1', natTimeoutMs: 30 * SECOND });
    const outside = network.addHost({ outer: '198.51.100.2', inner: '10.0.0.2' });
    network.introduce(outside, inside);
    network.introduce(inside, outside, { persistentKeepalive: 25 });
    network.runUntil(MINUTE);
    outside.restart();
    network.runUntil(HOUR);
    network.start(outside);
    network.introduce(outside, inside);
    network.runUntil(HOUR + 30 * SECOND);
    network.send(outside, inside, { number: 1 });
    network.runUntil(HOUR + 40 * SECOND);
    assert.deepEqual(inside.received, [1]);
  });
});

describe('a mesh of six', () => {
  const network = createNetwork({ loss: 0.05, duplication: 0.05, delayMs: [5, 300] });
  const hosts = Array.from({ length: 6 }, (_, i) =>
    network.addHost({ outer: `192.0.2.${i + 1}`, inner: `10.0.0.${i + 1}`, wallMs: i * 1e9 }),
  );
  const pairs = hosts.flatMap((a) => hosts.filter((b) => b !== a).map((b) => [a, b] as const));
  for (const [a, b] of pairs) network.introduce(a, b);
  const duration = 2 * HOUR;
  for (const [i, [a, b]] of pairs.entries())
    network.every(10 * SECOND, duration, (count) => network.send(a, b, { number: 1_000_000 * i + count }));
  network.runUntil(duration + SECOND);

  it('carries every pair in both directions for two hours', () => {
    for (const [i, [a, b]] of pairs.entries()) {
      const arrived = b.received.filter((number) => Math.floor(number / 1_000_000) === i);
      assert.ok(arrived.length > 0.9 * (duration / (10 * SECOND)), `${a.inner} to ${b.inner}: ${arrived.length}`);
      assert.equal(new Set(arrived).size, arrived.length);
    }
  });

  it('makes no more handshakes than its fifteen sessions need', () => {
    const sessions = 15 * (duration / (2 * MINUTE));
    assert.ok(network.count(1) < 1.5 * sessions, `${network.count(1)} initiations for ${sessions}`);
  });
});
