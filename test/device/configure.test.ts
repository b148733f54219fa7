/** Changes to a device while it runs: what they touch, what they leave alone, and that secrets do not outlive their use. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { equalBytes, isZero } from '../../src/bytes.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { formatCidr, parseCidr } from '../../src/ip.ts';
import {
  generatePresharedKey,
  generatePrivateKey,
  isNoKey,
  type PresharedKey,
  type PrivateKey,
} from '../../src/keys.ts';
import { countKeys } from '../simulation/live-keys.ts';
import { createPacket } from '../simulation/packets.ts';
import { createPair, createSession, endpointOf } from '../simulation/pair.ts';

/** Keeps every shared secret and key that passes by, to be looked at later. */
function recordSecrets(crypto: CryptoProvider): { crypto: CryptoProvider; secrets: Uint8Array[] } {
  const secrets: Uint8Array[] = [];
  return {
    secrets,
    crypto: {
      ...crypto,
      dh(privateKey, publicKey) {
        const shared = crypto.dh(privateKey, publicKey);
        if (shared !== undefined) secrets.push(shared);
        return shared;
      },
      publicKey(privateKey) {
        secrets.push(privateKey);
        return crypto.publicKey(privateKey);
      },
      createAead(key) {
        secrets.push(key);
        return crypto.createAead(key);
      },
      hmac(key, ...parts) {
        const output = crypto.hmac(key, ...parts);
        secrets.push(output);
        return output;
      },
    },
  };
}

describe('allowed IPs', () => {
  it('are replaced without a moment in which packets are dropped', () => {
    const { network, alice, bob } = createSession();
    const cidrs = ['10.0.0.2/32', 'fd00::2/128'].map((text) => ({ cidr: parseCidr(text)! }));
    network.every(10, 1_000, (number) => {
      network.configure(alice, { publicKey: bob.publicKey, replaceAllowedIps: true, allowedIps: cidrs });
      network.send(alice, bob, { number });
    });
    network.runUntil(2_000);
    assert.equal(alice.drops['no-route'], undefined);
    assert.equal(bob.packets.length, 1 + 90);
  });

  it('are listed in the order in which they were given', () => {
    const { network, alice, bob } = createPair();
    const texts = ['10.9.0.0/16', '::/0', '10.0.0.2/32', '10.0.0.0/8'];
    const allowedIps = texts.map((text) => ({ cidr: parseCidr(text)! }));
    network.configure(alice, { publicKey: bob.publicKey, replaceAllowedIps: true, allowedIps });
    assert.deepEqual(alice.peer(bob).allowedIps.map(formatCidr), texts);
  });

  it('may be given and taken away in one change: the latest word counts, also when it replaces', () => {
    for (const replaceAllowedIps of [false, true]) {
      const { network, alice, bob } = createPair();
      const change = (text: string, remove: boolean) => ({ cidr: parseCidr(text)!, remove });
      network.configure(alice, {
        publicKey: bob.publicKey,
        replaceAllowedIps,
        allowedIps: [
          change('10.1.0.0/16', false),
          change('10.2.0.0/16', true),
          change('10.1.0.0/16', true),
          change('10.2.0.0/16', false),
        ],
      });
      const rest = replaceAllowedIps ? [] : ['10.0.0.2/32'];
      assert.deepEqual(alice.peer(bob).allowedIps.map(formatCidr), [...rest, '10.2.0.0/16']);
    }
  });

  it('can be taken away one by one', () => {
    const { network, alice, bob } = createSession();
    const cidr = parseCidr('10.0.0.2/32')!;
    network.configure(alice, { publicKey: bob.publicKey, allowedIps: [{ cidr, remove: true }] });
    network.send(alice, bob);
    assert.equal(alice.drops['no-route'], 1);
    assert.deepEqual(alice.peer(bob).allowedIps, []);
  });
});

describe('a peer', () => {
  it('that is removed has no keys, routes or timers left', () => {
    const { crypto, keys } = countKeys(runtimeCrypto);
    const { network, alice, bob } = createSession({ crypto });
    assert.equal(keys.live, 4);
    network.configure(alice, { publicKey: bob.publicKey, remove: true });
    assert.equal(keys.live, 2);
    network.send(alice, bob);
    network.send(bob, alice);
    network.runUntil(200);
    assert.deepEqual(alice.drops, { 'no-route': 1, 'unknown-index': 1 });
    assert.equal(alice.device.nextTimeout(), Infinity);
  });

  it('that is removed while a description is read stays in that description', () => {
    const { network, alice, bob } = createSession();
    const { peers } = alice.device.describe();
    for (const [i, peer] of peers.entries()) {
      network.configure(alice, { publicKey: bob.publicKey, remove: true });
      assert.equal(i, 0);
      assert.deepEqual(peer.allowedIps.map(formatCidr), ['10.0.0.2/32']);
      assert.equal(peer.endpoint!.toString(), '198.51.100.2:51820');
    }
    assert.equal(alice.device.describe().peers.length, 0);
  });

  it('is not made by a change that only updates', () => {
    const { network, alice } = createPair();
    const publicKey = network.addHost({ outer: '192.0.2.3', inner: '10.0.0.3' }).publicKey;
    network.configure(alice, { publicKey, updateOnly: true, persistentKeepalive: 5 });
    assert.equal(alice.device.describe().peers.length, 1);
  });

  it('with our own public key is ignored', () => {
    const { network, alice } = createPair();
    network.configure(alice, { publicKey: alice.publicKey, allowedIps: [{ cidr: parseCidr('0.0.0.0/0')! }] });
    assert.equal(alice.device.describe().peers.length, 1);
    network.sendPacket(alice, createPacket({ from: '10.0.0.1', to: '8.8.8.8' }));
    assert.equal(alice.drops['no-route'], 1);
  });

  it('is gone when its key becomes our own', () => {
    const { alice, bob } = createSession();
    alice.device.configure({ privateKey: bob.privateKey }, 200);
    assert.equal(alice.device.describe().peers.length, 0);
  });

  it('is forgotten with the others when all are replaced', () => {
    const { network, alice, bob } = createSession();
    const other = network.addHost({ outer: '192.0.2.3', inner: '10.0.0.3' });
    alice.device.configure({ replacePeers: true, peers: [{ publicKey: other.publicKey }] }, network.now);
    assert.deepEqual(
      alice.device.describe().peers.map(({ publicKey }) => publicKey),
      [other.publicKey],
    );
    network.send(bob, alice);
    network.runUntil(200);
    assert.equal(alice.drops['unknown-index'], 1);
  });
});

describe('keys', () => {
  it('a private key that is set to what it is already ends no session', () => {
    const { network, alice, bob } = createSession();
    alice.device.configure({ privateKey: alice.privateKey }, network.now);
    network.send(alice, bob);
    network.runUntil(200);
    assert.equal(bob.packets.length, 2);
    assert.equal(network.count(1), 1);
  });

  it('a private key is kept clamped, and setting it unclamped once more changes nothing', () => {
    const { network, alice, bob } = createSession();
    const unclamped = alice.privateKey.slice() as PrivateKey; // the same length
    unclamped[0]! |= 7;
    unclamped[31] = (unclamped[31]! & 63) | 128;
    alice.device.configure({ privateKey: unclamped }, network.now);
    assert.deepEqual(alice.device.describe().privateKey, alice.privateKey);
    network.send(alice, bob);
    assert.equal(network.count(1), 1, 'the session goes on');
    assert.equal(unclamped[0]! & 7, 7, 'the one of the caller is left alone');
  });

  it('another private key ends all sessions, and new ones are made with it', () => {
    const { network, alice, bob } = createSession();
    const privateKey = generatePrivateKey(network.random.bytes);
    const publicKey = runtimeCrypto.publicKey(privateKey) as typeof alice.publicKey; // 32 bytes, by the port
    const allowedIps = [{ cidr: parseCidr('10.0.0.1/32')! }];
    bob.device.configure({ replacePeers: true, peers: [{ publicKey, allowedIps }] }, network.now);
    alice.device.configure({ privateKey }, network.now);
    network.send(alice, bob, { number: 5 });
    network.runUntil(200);
    assert.deepEqual(bob.received, [0, 5]);
    assert.equal(network.count(1), 2);
  });

  it('a preshared key that is set during a handshake is for the next one', () => {
    const { network, alice, bob } = createPair();
    network.send(alice, bob, { number: 1 });
    const presharedKey = generatePresharedKey(network.random.bytes);
    network.configure(alice, { publicKey: bob.publicKey, presharedKey });
    network.runUntil(100);
    assert.deepEqual(bob.received, [1]);
    assert.deepEqual(alice.peer(bob).presharedKey, presharedKey);
    assert.equal(isNoKey(bob.peer(alice).presharedKey), true);
  });

  it('are all erased when the device is closed, and those of a handshake when it is over', () => {
    const { crypto, secrets } = recordSecrets(runtimeCrypto);
    const { network, alice, bob } = createSession({ crypto });
    network.inject(bob, network.sightings[0]!.bytes, alice.endpoint);
    assert.equal(bob.drops['replayed-handshake'], 1);
    alice.device.close();
    bob.device.close();
    assert.deepEqual(alice.device.describe(), { privateKey: undefined, publicKey: undefined, peers: [], drops: {} });
    network.inject(alice, network.sightings[0]!.bytes, bob.endpoint);
    assert.deepEqual(alice.drops, { 'link-down': 1 });
    assert.ok(secrets.length > 20);
    const hosts = [alice.privateKey, bob.privateKey]; // the harness's own
    const left = secrets.filter((secret) => !isZero(secret) && !hosts.some((key) => key === secret));
    assert.equal(left.length, 0, `${left.length} of ${secrets.length}`);
  });

  it('a preshared key leaves no copy behind, neither when it is changed nor when the device is closed', () => {
    const presharedKey = Uint8Array.from({ length: 32 }, (_, i) => i) as PresharedKey; // 32 bytes
    const copies = new Set<Uint8Array>();
    const crypto: CryptoProvider = {
      ...runtimeCrypto,
      hmac(key, ...parts) {
        for (const part of parts) if (equalBytes(part, presharedKey)) copies.add(part);
        return runtimeCrypto.hmac(key, ...parts);
      },
    };
    const { network, alice, bob } = createPair({ crypto });
    network.configure(alice, { publicKey: bob.publicKey, presharedKey });
    network.configure(bob, { publicKey: alice.publicKey, presharedKey });
    network.send(alice, bob, { number: 1 });
    network.runUntil(100);
    bob.device.handleLinkDown();
    bob.device.handleLinkUp(network.now);
    network.send(bob, alice, { number: 2 });
    network.runUntil(200);
    assert.deepEqual([bob.received, alice.received], [[1], [2]]);
    assert.equal(copies.size, 4, "each one's, and a copy for each handshake");
    network.configure(alice, { publicKey: bob.publicKey, presharedKey: generatePresharedKey(network.random.bytes) });
    bob.device.close();
    assert.ok([...copies].every((copy) => isZero(copy)));
  });

  it('of a caller are copied', () => {
    const { network, alice, bob } = createPair();
    const privateKey = alice.privateKey.slice() as typeof alice.privateKey;
    alice.device.configure({ privateKey: null }, 0);
    alice.device.configure({ privateKey }, 0);
    privateKey.fill(0);
    network.send(alice, bob, { number: 1 });
    network.runUntil(100);
    assert.deepEqual(bob.received, [1]);
  });
});

describe('the link', () => {
  it('nothing is sent or taken before it is up', () => {
    const { network, alice, bob } = createPair();
    bob.device.handleLinkDown();
    network.send(alice, bob);
    network.runUntil(100);
    assert.equal(network.sightings.length, 1);
    assert.equal(bob.drops['link-down'], 1);
  });

  it('that comes up sends persistent keepalives at once', () => {
    const { network, alice, bob } = createPair();
    alice.device.handleLinkDown();
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 25 });
    assert.equal(network.sightings.length, 0);
    alice.device.handleLinkUp(network.now);
    network.configure(alice, { publicKey: bob.publicKey });
    network.runUntil(100);
    assert.equal(network.sightings.length, 3);
  });

  it('that goes down erases the sessions and stops every timer', () => {
    const { crypto, keys } = countKeys(runtimeCrypto);
    const { network, alice, bob } = createSession({ crypto });
    alice.device.handleLinkDown();
    assert.equal(keys.live, 2);
    assert.equal(alice.device.nextTimeout(), Infinity);
    network.runUntil(2_000);
    assert.equal(network.sightings.length, 3);
    alice.device.handleLinkUp(network.now);
    network.send(alice, bob, { number: 5 });
    network.runUntil(2_100);
    assert.deepEqual(bob.received, [0, 5], 'and a new one is made at once when it is up again');
  });
});

describe('a persistent keepalive', () => {
  it('goes to a peer as soon as it has an endpoint', () => {
    const { network, alice } = createPair();
    const silent = network.addHost({ outer: '192.0.2.3', inner: '10.0.0.3', natTimeoutMs: 1 });
    network.introduce(alice, silent, { persistentKeepalive: 25 });
    network.runUntil(6_000);
    assert.equal(network.sightings.length, 0);
    network.configure(alice, { publicKey: silent.publicKey, endpoint: endpointOf('203.0.113.1') });
    assert.deepEqual(
      network.sightings.map(({ to }) => to),
      ['203.0.113.1:51820'],
    );
  });

  it('goes to a new endpoint at once, and is not repeated when the same one is set again', () => {
    const { network, alice, bob } = createSession();
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 25 });
    network.sightings.length = 0;
    for (const address of ['203.0.113.1', '203.0.113.1', '203.0.113.2'])
      network.configure(alice, { publicKey: bob.publicKey, endpoint: endpointOf(address) });
    assert.deepEqual(
      network.sightings.map(({ to }) => to),
      ['203.0.113.1:51820', '203.0.113.2:51820'],
    );
  });

  it('whose interval is shortened does not wait for the end of the longer one', () => {
    const { network, alice, bob } = createSession();
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 3_600 });
    network.runUntil(50_000);
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 10 });
    network.runUntil(75_000);
    const times = network.sightings.filter(({ at, bytes }) => at >= 50_000 && bytes.length === 32).map(({ at }) => at);
    assert.deepEqual(times, [50_000, 60_000, 70_000]);
  });

  it('goes out under a new private key at once', () => {
    const { network, alice, bob } = createSession();
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 25 });
    alice.device.configure({ privateKey: generatePrivateKey(network.random.bytes) }, network.now);
    network.configure(alice, { publicKey: bob.publicKey });
    assert.equal(network.count(1), 2);
    assert.equal(network.sightings.at(-1)!.at, 100);
  });

  it('begins when it is set, keeps its interval and ends when it is switched off', () => {
    const { network, alice, bob } = createSession();
    network.runUntil(20_000);
    network.sightings.length = 0; // Bob's answer to the data
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 7 });
    network.runUntil(91_000);
    const keepalives = () => network.sightings.filter(({ bytes }) => bytes.length === 32);
    const times = keepalives().map(({ at }) => at);
    assert.deepEqual(
      times,
      Array.from({ length: 11 }, (_, i) => 20_000 + 7_000 * i),
    );
    network.configure(alice, { publicKey: bob.publicKey, persistentKeepalive: 0 });
    network.runUntil(3_600_000);
    assert.equal(keepalives().length, times.length);
  });
});
