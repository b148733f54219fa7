/** Whatever happened to a network, it works again once it is left in peace, and holds no more keys than it needs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { generatePresharedKey } from '../../src/keys.ts';
import { countKeys } from './live-keys.ts';
import { Network, type Host } from './network.ts';
import { endpointOf } from './pair.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const TRUE_WALL_MS = 1_700_000_000_000;

type Mishap = (network: Network, hosts: readonly Host[], victim: Host, other: Host) => void;

const MISHAPS: Readonly<Record<string, Mishap>> = {
  restart(network, hosts, victim) {
    victim.restart();
    victim.wallMs = TRUE_WALL_MS; // whoever restarts with a clock that is behind is locked out, by design (5.1)
    network.start(victim);
    for (const host of hosts) if (host !== victim) network.introduce(victim, host);
  },
  move(network, _hosts, victim) {
    const lastByte = 1 + Math.floor(254 * network.random.number());
    victim.endpoint = endpointOf(`203.0.113.${lastByte}`, 1024 + Math.floor(60_000 * network.random.number()));
  },
  'set the clock back'(network, _hosts, victim) {
    victim.wallMs -= Math.floor(network.random.number() * 30 * MINUTE);
  },
  'lose everything for a while'(network) {
    network.passes = () => false;
    const until = network.now + network.random.number() * 100 * SECOND;
    network.schedule(until, () => {
      network.passes = () => true;
    });
  },
  'take the link down and up'(network, _hosts, victim) {
    victim.device.handleLinkDown();
    victim.device.handleLinkUp(network.now);
  },
  'remove a peer and add it again'(network, _hosts, victim, other) {
    network.configure(victim, { publicKey: other.publicKey, remove: true });
    network.introduce(victim, other);
  },
  'change a preshared key on one side, later on the other'(network, _hosts, victim, other) {
    const presharedKey = generatePresharedKey(network.random.bytes);
    network.configure(victim, { publicKey: other.publicKey, presharedKey });
    network.schedule(network.now + 7 * SECOND, () =>
      network.configure(other, { publicKey: victim.publicKey, presharedKey }),
    );
  },
  'replay something old'(network, _hosts, victim) {
    const { sightings, random } = network;
    const old = sightings[Math.floor(random.number() * sightings.length)];
    if (old !== undefined) network.inject(victim, old.bytes, endpointOf('198.51.100.66'));
  },
};

function choose<T>(network: Network, items: readonly T[]): T {
  return items[Math.floor(network.random.number() * items.length)]!;
}

describe('ten minutes of mishaps', () => {
  for (const seed of [1, 2, 3])
    it(`leaves a network that works, seed ${seed}`, () => {
      const { crypto, keys } = countKeys(runtimeCrypto);
      const network = new Network({ crypto, seed, loss: 0.1, duplication: 0.1, delayMs: [5, 500] });
      const hosts = [1, 2, 3, 4].map((i) => network.addHost({ outer: `192.0.2.${i}`, inner: `10.0.0.${i}` }));
      const pairs = hosts.flatMap((a) => hosts.filter((b) => b !== a).map((b) => [a, b] as const));
      for (const [a, b] of pairs) network.introduce(a, b);

      const end = 10 * MINUTE;
      network.every(SECOND, end, () => network.send(...choose(network, pairs)));
      network.every(5 * SECOND, end, () => {
        const [victim, other] = choose(network, pairs);
        choose(network, Object.values(MISHAPS))(network, hosts, victim, other);
      });
      network.runUntil(end + 2 * MINUTE); // long enough for the last of the outages to end

      // As the registry does: everybody learns where the others are, and that they agree on no preshared key.
      const presharedKey = new Uint8Array(32) as ReturnType<typeof generatePresharedKey>; // all zero: none
      for (const [a, b] of pairs) network.introduce(a, b, { presharedKey });
      for (const host of hosts) host.packets.length = 0;
      network.every(SECOND, network.now + MINUTE, () => {
        for (const [number, [a, b]] of pairs.entries()) network.send(a, b, { number });
      });
      network.runUntil(network.now + 61 * SECOND);

      for (const [number, [a, b]] of pairs.entries()) {
        const arrived = b.received.filter((one) => one === number).length;
        assert.ok(arrived > 30, `${a.inner} to ${b.inner}: ${arrived} of 60`);
      }
      assert.ok(keys.most <= pairs.length * 3 * 2, `${keys.most} keys`);
      for (const host of hosts) host.device.close();
      assert.equal(keys.live, 0);
    });
});
