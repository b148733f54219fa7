/**
 * The kernel on both ends: it makes the large packets that are split, and takes the ones that were coalesced.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { test } from 'node:test';
import { inNamespace } from '../conformance/in-namespace.ts';
import { runtime } from '../runtime/this-runtime.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { openReflector } from './reflector.ts';

const BYTES = 20_000_000;

/** The kernel's counters of packets that it refused: `Tcp.InErrs`, and the like. */
function refusedPackets(): number {
  const lines = `${readFileSync('/proc/net/snmp', 'utf8')}\n${readFileSync('/proc/net/snmp6', 'utf8')}`;
  const names = [
    'InHdrErrors',
    'InErrs',
    'InCsumErrors',
    'InErrors',
    'Ip6InHdrErrors',
    'Udp6InCsumErrors',
    'Udp6InErrors',
  ];
  const counters = new Map<string, number>();
  let headings: string[] = [];
  for (const line of lines.split('\n')) {
    const [first, ...rest] = line.split(/\s+/);
    if (first?.startsWith('Ip6') || first?.startsWith('Udp6')) counters.set(first, Number(rest[0]));
    else if (rest[0] !== undefined && /^-?\d/.test(rest[0]))
      for (const [i, heading] of headings.entries()) counters.set(`${first}${heading}`, Number(rest[i]));
    else headings = rest;
  }
  assert.ok(counters.has('Tcp:InCsumErrors') && counters.has('Udp6InCsumErrors'), 'the kernel has such counters');
  let sum = 0;
  for (const [name, value] of counters) if (names.includes(name.replace(/^\w+:/, ''))) sum += value;
  return sum;
}

inNamespace(import.meta.url, [], () => {
  for (const [family, local, remote] of [
    [4, '10.9.0.1', '10.9.0.2'],
    [6, 'fd09::1', 'fd09::2'],
  ] as const) {
    test(`TCP over IPv${family}: the bytes arrive, in large packets both ways, and the kernel refuses none`, async (t) => {
      const reflector = await openReflector(await runtime.loadFfi(), `off${family}`);
      t.after(() => reflector.close());
      const data = Buffer.alloc(BYTES, 'what is split and coalesced is again what it was; ');
      const server = createServer((socket) => socket.end(data)).listen(0, local);
      await once(server, 'listening');
      // The address of a listening TCP server is no path.
      const { port } = server.address() as { port: number };
      const socket = connect(port, remote);
      const hash = createHash('sha256');
      socket.on('data', (chunk) => hash.update(chunk));
      await once(socket, 'end');
      assert.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'));
      // Its connection ends through the tunnel, too.
      await once(server.close(), 'close');
      await reflector.close();
      const { counts } = reflector;
      assert.ok(counts.packets > BYTES / 1420);
      assert.ok(counts.split > 0 && counts.reads < counts.packets, `large packets came: ${JSON.stringify(counts)}`);
      assert.ok(counts.writes < counts.packets / 2, `large packets went: ${JSON.stringify(counts)}`);
      assert.equal(counts.refused, 0);
      assert.equal(refusedPackets(), 0);
    });

    test(`UDP over IPv${family}: datagrams that came together arrive one by one, as they were`, async (t) => {
      const reflector = await openReflector(await runtime.loadFfi(), `off${family}`);
      t.after(() => reflector.close());
      const type = family === 4 ? 'udp4' : 'udp6';
      const receiver = createSocket(type).bind(0, local);
      const sender = createSocket(type).bind(0, local);
      await Promise.all([once(receiver, 'listening'), once(sender, 'listening')]);
      const received: string[] = [];
      receiver.on('message', (message) => received.push(message.toString()));
      // Datagrams of one size, and shorter ones between them.
      const sent = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(i % 10 === 9 ? 300 : 1200, '.'));
      for (const datagram of sent) sender.send(datagram, receiver.address().port, remote);
      await waitFor('all arrived', () => received.length === sent.length);
      // Deno's dgram keeps no order among sends that were asked for at once.
      const ordered = (texts: string[]): string[] => (runtime.name === 'deno' ? texts.toSorted() : texts);
      assert.deepEqual(ordered(received), ordered(sent));
      receiver.close();
      sender.close();
      await reflector.close();
      const { counts, udp } = reflector;
      if (udp) assert.ok(counts.writes < counts.packets, `several at once: ${JSON.stringify(counts)}`);
      assert.equal(refusedPackets(), 0);
    });
  }
});
