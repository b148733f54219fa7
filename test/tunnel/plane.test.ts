/** What the loop of a tunnel makes of a data plane: the tables that it shares with the workers, and a test in their place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog, type Log } from '../../src/log.ts';
import { ControlPlane } from '../../src/plane/control-plane.ts';
import { createPlaneMemory, DROP_REASONS } from '../../src/plane/plane-memory.ts';
import { RingWriter } from '../../src/plane/ring.ts';
import { SendTable } from '../../src/plane/send-table.ts';
import { createPacket } from '../simulation/packets.ts';
import { A, B, createHosts } from './hosts.ts';

const OUTBOUND = 0;
const INBOUND = 1;

function createPlane() {
  const memory = createPlaneMemory({ peers: 8, routeNodes: 64, ringBytes: 1024 });
  return {
    memory,
    plane: new ControlPlane(memory, { contextOf: () => 1, freeDestroyed() {} }, { isGone: () => false }),
  };
}

test('a handshake that is found due while the tunnel describes itself is sent at once', async () => {
  const { memory, plane } = createPlane();
  const { a, b, time } = createHosts(silentLog, plane);
  a.tun.setLink('up');
  b.tun.setLink('up');
  const packet = createPacket({ from: A.inner, to: B.inner });
  a.tun.send(packet);
  await time.advance(145_000);
  const latest = (): number => b.tunnel.describe().peers[0]!.latestHandshakeMs;
  const before = latest();
  const age = time.wall() - before;
  assert.ok(age >= 120_000 && age < 180_000, `${age} ms`);
  const table = new SendTable(memory, OUTBOUND, new RingWriter(memory.workers[OUTBOUND]!.ring));
  table.refresh(1);
  const row = table.route(4, new DataView(packet.buffer, packet.byteOffset), 0);
  table.noteSent(row, 100, time.monotonic());
  a.tunnel.describe();
  await time.settle();
  assert.equal(latest(), time.wall());
});

test('what the workers have dropped to the last is told when the tunnel closes', async () => {
  const { memory, plane } = createPlane();
  const told: object[] = [];
  const log: Log = { ...silentLog, info: (fields, message) => void (message === 'closing' && told.push(fields)) };
  const { a } = createHosts(log, plane);
  new Float64Array(memory.workers[INBOUND]!.drops)[DROP_REASONS.indexOf('replayed')] = 7;
  await a.tunnel.close();
  assert.deepEqual(told, [{ interface: 'a', drops: { replayed: 7 } }]);
});
