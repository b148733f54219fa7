/** The UDP adapter with the FFI of a runtime, and what only real sockets can show. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { FastUdp } from '../../runtime/linux/fast/fast-udp.ts';
import { createUdp, LinuxUdp } from '../../runtime/linux/udp.ts';
import { startPoller } from '../../runtime/linux/start-poller.ts';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import { parseAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { ENDPOINT_WORDS, writeEndpoint } from '../../src/plane/endpoint-words.ts';
import { DATAGRAM_RECORD } from '../../src/plane/records.ts';
import { createRing, RingReaders, RingWriter } from '../../src/plane/ring.ts';
import { inNamespace } from './in-namespace.ts';
import { sharedPortConformance } from './shared-port.ts';
import { udpConformance } from './udp.ts';
import { waitFor } from '../interop/lab/wait.ts';

/** `file`: the file of tests that calls this. */
export async function linuxUdpConformance(file: string, runtime: Runtime): Promise<void> {
  const ffi = await runtime.loadFfi();
  inNamespace(file, ['nft', 'tc'], () => defineTests(runtime, ffi));
}

function defineTests(runtime: Runtime, ffi: Ffi): void {
  const poller = startPoller(runtime, ffi);
  after(() => poller.close());
  const create = () => createUdp(ffi, poller);

  udpConformance('Linux sockets', () => ({
    a: create(),
    b: create(),
    v4: '127.0.0.1',
    secondV4: '127.0.0.2',
    v6: '::1',
  }));

  test('a port that is taken is refused, and the port before it stays', async () => {
    const a = create();
    const b = create();
    a.bind(7001);
    b.bind(7002);
    assert.throws(() => b.bind(7001), /cannot bind UDP port 7001: port in use already/);
    assert.equal(b.port, 7002);
    await Promise.all([a.close(), b.close()]);
    const c = create();
    c.bind(7001); // closing has let go of it
    await c.close();
  });

  test('a port that cannot be had leaves no descriptor open', async () => {
    const a = create();
    const b = create();
    a.bind(7001);
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    assert.throws(() => b.bind(7001), /port in use already/);
    assert.equal(descriptors(), before);
    await Promise.all([a.close(), b.close()]);
  });

  test('a flood over one family does not keep the other waiting', async () => {
    const a = create();
    a.bind(7001);
    const buffer = new Uint8Array(9);
    const source = { from: new Endpoint(), ecn: 0, truncated: false };
    for (const [address, count] of [
      ['127.0.0.1', 500],
      ['::1', 1],
    ] as const)
      for (let i = 0; i < count; i++) a.send(buffer, 0, 1, Endpoint.from(parseAddress(address)!, 7001), 0);
    const families: number[] = [];
    while (a.receive(buffer, 0, source) >= 0) families.push(source.from.family);
    assert.equal(families.length, 501);
    assert.ok(families.indexOf(6) < 100);
    await a.close();
  });

  sharedPortConformance(ffi, poller);

  test('what comes from the ring of a worker is of the present state of the routing, as what comes from a socket', async () => {
    const ring = createRing(1024);
    const udp = new LinuxUdp(ffi, poller);
    const fast = new FastUdp({ udp, rings: new RingReaders([ring]), onRecord() {}, onBound() {} });
    const before = udp.routing;
    execFileSync('ip', ['address', 'add', '127.1.2.3/32', 'dev', 'lo']);
    await waitFor('the change is noticed', () => udp.routing !== before);
    execFileSync('ip', ['address', 'delete', '127.1.2.3/32', 'dev', 'lo']);
    const source = { from: new Endpoint(), ecn: 0, truncated: false };
    const words = new Int32Array(ENDPOINT_WORDS + 1);
    writeEndpoint(words, 0, Endpoint.from(parseAddress('127.0.0.2')!, 7002));
    new RingWriter(ring).push(DATAGRAM_RECORD, words, new Uint8Array(4), 0, 4);
    assert.equal(fast.receive(new Uint8Array(4), 0, source), 4);
    assert.equal(source.from.toString(), '127.0.0.2:7002');
    assert.equal(source.from.routing, udp.routing);
    await fast.close();
  });

  test('what meets a full buffer is not sent, and once there is room the next one is', async () => {
    const link = ['qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '400mbit', 'burst', '64k', 'limit', '100m'];
    execFileSync('tc', link);
    const a = create();
    a.bind(7001);
    const large = new Uint8Array(60_000);
    const to = Endpoint.from(parseAddress('127.0.0.1')!, 7001);
    const send = () => a.send(large, 0, large.length, to, 0);
    let sent = 0;
    while (sent < 1000 && send()) sent++;
    assert.ok(sent > 50 && sent < 1000, `${sent} fit`);
    await waitFor('there is room', send);
    execFileSync('tc', ['qdisc', 'delete', 'dev', 'lo', 'root']);
    await a.close();
  });

  test('datagrams carry the firewall mark', async () => {
    execFileSync('nft', ['-f', '-'], {
      input: 'table inet t { chain o { type filter hook output priority 0; meta mark 0xca6c drop; }; }',
    });
    const a = create();
    a.bind(7001);
    const to = Endpoint.from(parseAddress('127.0.0.1')!, 7001);
    a.setFwmark(0xca6c);
    assert.equal(a.send(Uint8Array.of(1), 0, 1, to, 0), false); // nft refuses it with EPERM
    a.bind(7002); // new sockets keep the mark
    assert.equal(a.send(Uint8Array.of(1), 0, 1, to, 0), false);
    a.setFwmark(0);
    assert.equal(a.send(Uint8Array.of(1), 0, 1, to, 0), true);
    await a.close();
    execFileSync('nft', ['delete', 'table', 'inet', 't']);
  });

  test('a host without IPv6 has a tunnel over IPv4', async () => {
    execFileSync('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
    const a = create();
    a.bind(7001);
    const buffer = new Uint8Array(9);
    const source = { from: new Endpoint(), ecn: 0, truncated: false };
    assert.equal(a.send(buffer, 0, 1, Endpoint.from(parseAddress('127.0.0.1')!, 7001), 0), true);
    await waitFor('it arrives', () => a.receive(buffer, 0, source) === 1);
    assert.equal(a.send(buffer, 0, 1, Endpoint.from(parseAddress('::1')!, 7001), 0), false);
    await a.close();
    execFileSync('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=0']);
  });
}
