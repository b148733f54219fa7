import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isZero } from '../../src/bytes.ts';
import { parseAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { createPacket, packetNumber } from '../simulation/packets.ts';
import { A, B, createHosts, received, type Host } from './hosts.ts';

async function connected() {
  const hosts = createHosts();
  hosts.a.tun.setLink('up');
  hosts.b.tun.setLink('up');
  hosts.a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await hosts.time.settle();
  assert.equal(received(hosts.b.tun).length, 1);
  return hosts;
}

const onlyPeer = (host: Host) => host.tunnel.describe().peers[0]!;

test('a packet crosses, byte for byte, and an answer comes back', async () => {
  const { a, b, time } = createHosts();
  a.tun.setLink('up');
  b.tun.setLink('up');
  const question = createPacket({ from: A.inner, to: B.inner, number: 1, bytes: 1001 });
  a.tun.send(question);
  await time.settle();
  assert.deepEqual(received(b.tun), [question]);
  const answer = createPacket({ from: B.inner, to: A.inner, number: 2, bytes: 77 });
  b.tun.send(answer);
  await time.settle();
  assert.deepEqual(received(a.tun), [answer]);
});

test('a burst of thousands in both directions arrives whole and in order', async () => {
  const { a, b, time } = await connected();
  const count = 3000;
  for (let number = 0; number < count; number++) {
    a.tun.send(createPacket({ from: A.inner, to: B.inner, number }));
    b.tun.send(createPacket({ from: B.inner, to: A.inner, number }));
  }
  await time.settle();
  const expected = Array.from({ length: count }, (_, i) => i);
  assert.deepEqual(received(b.tun).map(packetNumber), expected);
  assert.deepEqual(received(a.tun).map(packetNumber), expected);
});

test('under load the loop lets others have their turn and timers run', async () => {
  const { a, b, time } = await connected();
  const order: string[] = [];
  b.tun.onHostReadable(() => order.push('packet'));
  for (let number = 0; number < 2000; number++) a.tun.send(createPacket({ from: A.inner, to: B.inner, number }));
  await Promise.resolve();
  time.soon(() => order.push('other'));
  await time.settle();
  const turn = order.indexOf('other');
  assert.ok(turn >= 0 && turn < order.length - 1, 'packets came after the other callback');
});

test('the largest packet of a large MTU crosses', async () => {
  const { a, b, time } = await connected();
  for (const host of [a, b]) host.tun.setMtu(65_455);
  const packet = createPacket({ from: A.inner, to: B.inner, bytes: 65_455, number: 5 });
  a.tun.send(packet);
  await time.settle();
  assert.deepEqual(received(b.tun), [packet]);
});

test('an interface that is down has no socket, keeps its port and loses its session', async () => {
  const { a, b, time } = await connected();
  b.tun.setLink('down');
  assert.equal(b.udp.port, 0);
  assert.equal(b.tunnel.describe().listenPort, B.port);
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.settle();
  b.tun.setLink('up');
  assert.equal(b.udp.port, B.port);
  await time.advance(30_000); // A notices that nobody answers, and shakes hands again
  a.tun.send(createPacket({ from: A.inner, to: B.inner, number: 9 }));
  await time.advance(6000);
  assert.deepEqual(received(b.tun).map(packetNumber).at(-1), 9);
});

test('a port of 0 becomes one that the system chose, once the interface is up', () => {
  const { a } = createHosts();
  a.tunnel.configure({ listenPort: 0 });
  assert.equal(a.tunnel.describe().listenPort, 0);
  a.tun.setLink('up');
  assert.notEqual(a.udp.port, 0);
  assert.equal(a.tunnel.describe().listenPort, a.udp.port);
});

test('an interface that comes up while its port is taken has none, until it is told one that is free', () => {
  const { a } = createHosts();
  const bind = a.udp.bind.bind(a.udp);
  a.udp.bind = (port) => {
    throw new Error(`port ${port} is taken`);
  };
  a.tun.setLink('up');
  assert.equal(a.tunnel.describe().listenPort, 0);
  a.udp.bind = bind;
  a.tunnel.configure({ listenPort: A.port });
  assert.equal(a.tunnel.describe().listenPort, A.port);
});

test('port and mark can be changed while traffic flows', async () => {
  const { a, b, time } = await connected();
  a.tunnel.configure({ listenPort: 3333, fwmark: 0xca6c });
  assert.deepEqual([a.udp.port, a.udp.fwmark], [3333, 0xca6c]);
  assert.deepEqual([a.tunnel.describe().listenPort, a.tunnel.describe().fwmark], [3333, 0xca6c]);
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.settle();
  assert.equal(onlyPeer(b).endpoint!.port, 3333);
});

for (const change of [{ fwmark: 1 }, { listenPort: 3333 }])
  test(`the source that answers come from is forgotten with ${JSON.stringify(change)}, and learned again`, async () => {
    const { a, b, time } = await connected();
    const address = parseAddress('192.0.2.22')!;
    b.udp.addresses = [...b.udp.addresses, address];
    const endpoint = Endpoint.from(address, B.port);
    a.tunnel.configure({ peers: [{ publicKey: b.publicKey, endpoint }] });
    a.tun.send(createPacket({ from: A.inner, to: B.inner }));
    await time.settle();
    const answer = async () => {
      b.tun.send(createPacket({ from: B.inner, to: A.inner }));
      await time.settle();
      return onlyPeer(a).endpoint!.toString();
    };
    assert.equal(await answer(), `192.0.2.22:${B.port}`);
    b.tunnel.configure(change);
    assert.equal(await answer(), `${B.outer}:${change.listenPort ?? B.port}`);
    a.tunnel.configure({ peers: [{ publicKey: b.publicKey, endpoint: Endpoint.from(address, b.udp.port) }] });
    a.tun.send(createPacket({ from: A.inner, to: B.inner }));
    await time.settle();
    assert.equal(await answer(), `192.0.2.22:${b.udp.port}`);
  });

test('a host that moves to another address is followed, and drops the address it no longer has', async () => {
  const { a, b, time } = await connected();
  b.tun.send(createPacket({ from: B.inner, to: A.inner }));
  await time.settle();
  received(a.tun);
  a.udp.addresses = [parseAddress('198.51.100.9')!];
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.settle();
  assert.equal(onlyPeer(b).endpoint!.toString(), `198.51.100.9:${A.port}`);
  b.tun.send(createPacket({ from: B.inner, to: A.inner, number: 4 }));
  await time.settle();
  assert.deepEqual(received(a.tun).map(packetNumber), [4]);
});

test('persistent keepalives go out without any traffic', async () => {
  const { a, b, time } = await connected();
  const before = onlyPeer(b).rxBytes;
  a.tunnel.configure({ peers: [{ publicKey: b.publicKey, persistentKeepalive: 25 }] });
  await time.advance(100_000);
  assert.ok(onlyPeer(b).rxBytes >= before + 4 * 32);
});

test('a new MTU limits the padding of what is sent', async () => {
  const { a, b, time } = await connected();
  a.tun.setMtu(1001);
  const before = onlyPeer(b).rxBytes;
  a.tun.send(createPacket({ from: A.inner, to: B.inner, bytes: 1001 }));
  await time.settle();
  assert.equal(onlyPeer(b).rxBytes - before, 16 + 1001 + 16);
});

test('a datagram that did not fit is dropped and counted, and so is a packet that the interface refused', async () => {
  const { a, b, time, network } = await connected();
  const stranger = network.createUdp([parseAddress('192.0.2.66')!]);
  stranger.bind(1);
  stranger.send(new Uint8Array(70_000).fill(4, 0, 1), 0, 70_000, Endpoint.from(parseAddress(B.outer)!, B.port), 0);
  await time.settle();
  assert.deepEqual(b.tunnel.describe().drops, { truncated: 1 });
  b.tun.write = () => false;
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.settle();
  assert.deepEqual(b.tunnel.describe().drops, { truncated: 1, 'not-delivered': 1 });
});

test('what was read last is erased when the tunnel is closed', async () => {
  const { a, time } = createHosts();
  const read = a.tun.read.bind(a.tun);
  const arenas = new Set<Uint8Array>();
  a.tun.read = (buffer, offset) => {
    arenas.add(buffer);
    return read(buffer, offset);
  };
  a.tun.setLink('up');
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.settle();
  assert.deepEqual([...arenas].map(isZero), [false]);
  await a.tunnel.close();
  assert.deepEqual([...arenas].map(isZero), [true]);
});

test('when the interface is deleted the tunnel closes, forgets its keys and leaves no timer', async () => {
  const { a, time } = await connected();
  a.tun.remove();
  await a.tunnel.closed;
  assert.equal(a.udp.port, 0);
  assert.equal(a.tunnel.describe().privateKey, undefined);
  assert.deepEqual(a.tunnel.describe().peers, []);
  await time.settle();
  const { timers } = time;
  a.tunnel.configure({ listenPort: 1 });
  assert.equal(time.timers, timers);
  await a.tunnel.close();
});

test('what the socket refused does not count as sent', async () => {
  const { a, time } = await connected();
  const before = onlyPeer(a).txBytes;
  a.udp.addresses = [];
  for (let number = 0; number < 5; number++) a.tun.send(createPacket({ from: A.inner, to: B.inner, number }));
  await time.settle();
  assert.equal(onlyPeer(a).txBytes, before);
  a.udp.addresses = [parseAddress(A.outer)!];
  a.tun.send(createPacket({ from: A.inner, to: B.inner, bytes: 64 }));
  await time.settle();
  assert.equal(onlyPeer(a).txBytes, before + 16 + 64 + 16);
});

test('a port that cannot be bound is refused, and nothing else of the change is applied', async () => {
  const { a } = await connected();
  a.udp.bind = (port) => {
    throw new Error(`port ${port} is taken`);
  };
  assert.throws(() => a.tunnel.configure({ listenPort: 53, privateKey: null }), /53 is taken/);
  assert.notEqual(a.tunnel.describe().privateKey, undefined);
  assert.equal(a.tunnel.describe().listenPort, A.port);
});
