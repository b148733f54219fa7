/** Whom outbound sends to, while what it handed over before is on its way: the tables change as the worker sleeps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr } from '../../src/ip.ts';
import { findSendable } from '../../src/plane/find-sendable.ts';
import {
  createPlaneMemory,
  currentRoutes,
  PEER_FLOATS,
  PEER_WORDS,
  SEND_CREATED_AT,
  SENDABLE,
} from '../../src/plane/plane-memory.ts';
import { PACKET_RECORD } from '../../src/plane/records.ts';
import { RingReader, RingWriter } from '../../src/plane/ring.ts';
import { writeRoutes } from '../../src/plane/route-table.ts';
import { SendTable } from '../../src/plane/send-table.ts';

const NOW = 1_000_000;
const LONGEST_WAIT_MS = 20;
const OUTBOUND = 0;

/** A packet from 10.0.0.1 to 10.0.0.2. */
const PACKET = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);

/** Peers 0 and 1 have keypairs; 10.0.0.2 belongs to peer 0. `events[i]` happens in the worker's sleep number i. */
function createStage(events: readonly (() => void)[], sleptMs = 0) {
  const memory = createPlaneMemory({ peers: 4, routeNodes: 64, ringBytes: 1024 });
  const ring = new RingWriter(memory.workers[OUTBOUND]!.ring);
  const reader = new RingReader(memory.workers[OUTBOUND]!.ring);
  const table = new SendTable(memory, OUTBOUND, ring);
  const words = new Int32Array(memory.peers);
  const view = new DataView(PACKET.buffer);
  let generation = 0;
  let now = NOW;
  const sleeps: number[] = [];
  const setOwner = (owner: number): void => {
    assert.ok(writeRoutes(currentRoutes(memory, 0), [{ prefix: parseCidr('10.0.0.2/32')!, owner }]));
    generation++;
  };
  const setSendable = (row: number, is: boolean): void => {
    words[PEER_WORDS * row + SENDABLE] = is ? 1 : 0;
    new Float64Array(memory.peers)[PEER_FLOATS * row + SEND_CREATED_AT] = NOW;
    generation++;
  };
  setOwner(0);
  for (const row of [0, 1]) setSendable(row, true);
  table.refresh(generation);
  return {
    sleeps,
    setOwner,
    setSendable,
    handOver(row: number): void {
      assert.ok(ring.push(PACKET_RECORD, [], PACKET, 0, PACKET.length));
      table.handOver(row);
    },
    /** The control thread deals with all that was handed over. */
    read(): void {
      while (reader.next());
    },
    find: (): number =>
      findSendable(
        table,
        {
          now: () => now,
          sleep(timeoutMs) {
            events[sleeps.length]?.();
            sleeps.push(timeoutMs);
            now += sleptMs;
            table.refresh(generation);
          },
        },
        4,
        view,
        0,
        now,
      ),
  };
}

test('nobody waits when nothing was handed over, or when it has been dealt with', () => {
  const stage = createStage([]);
  assert.equal(stage.find(), 0);
  stage.handOver(0);
  stage.read();
  assert.equal(stage.find(), 0);
  assert.deepEqual(stage.sleeps, []);
});

test('a packet waits until those before it have been dealt with', () => {
  const stage = createStage([() => {}, () => stage.read()], 3);
  stage.handOver(0);
  assert.equal(stage.find(), 0);
  assert.deepEqual(stage.sleeps, [LONGEST_WAIT_MS, LONGEST_WAIT_MS - 3]);
});

test('it waits in the same way while the tables change for others', () => {
  const stage = createStage([() => stage.setSendable(3, true), () => stage.read()]);
  stage.handOver(0);
  assert.equal(stage.find(), 0);
});

test('a destination that moves to another peer during the wait is not sent to the one it had', () => {
  const stage = createStage([
    () => {
      stage.setOwner(1);
      stage.read();
    },
  ]);
  stage.handOver(0);
  assert.equal(stage.find(), -1, 'the control thread has the packets before it');
  assert.equal(stage.find(), 1);
});

test('a row that another peer gets during the wait is not taken for the one that had it', () => {
  const stage = createStage([
    () => {
      // Peer 0 is removed; a new one gets its row, and the destination is the other peer's.
      stage.setSendable(0, false);
      stage.setOwner(1);
      stage.setSendable(0, true);
      stage.read();
    },
  ]);
  stage.handOver(0);
  assert.equal(stage.find(), -1);
});

test('a destination that nobody has any more after the wait is for the control thread', () => {
  const stage = createStage([
    () => {
      stage.setOwner(2 ** 30);
      stage.read();
    },
  ]);
  stage.handOver(0);
  assert.equal(stage.find(), -1);
});

test('a peer that lost its keypair during the wait is not sent to', () => {
  const stage = createStage([
    () => {
      stage.setSendable(0, false);
      stage.read();
    },
  ]);
  stage.handOver(0);
  assert.equal(stage.find(), -1);
});

test('the wait ends, however often the control thread reads something else', () => {
  const stage = createStage([], 1);
  stage.handOver(0);
  assert.equal(stage.find(), -1);
  assert.equal(stage.sleeps.length, LONGEST_WAIT_MS);
});
