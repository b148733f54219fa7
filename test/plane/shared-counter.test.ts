/** Send counters that several threads take from. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createPlaneMemory, KEYPAIR_WORDS, SEND_COUNTER } from '../../src/plane/plane-memory.ts';
import { SHARED_COUNTER_LIMIT, SharedCounter, takeCounters } from '../../src/plane/shared-counter.ts';

const WORKERS = 3;
const LIMITS = { peers: 4, routeNodes: 16, ringBytes: 1024 };

test('no number is given out twice while the control thread and three workers take', async () => {
  const memory = createPlaneMemory(LIMITS);
  const counter = new SharedCounter(memory, 3);
  const taken = new Int32Array(new SharedArrayBuffer(4 * 600_000));
  const workerData = { memory, row: 3, taken, rounds: 20_000 };
  const threads = Array.from(
    { length: WORKERS },
    () => new Worker(new URL('programs/take-counters.ts', import.meta.url), { workerData }),
  );
  const exits = threads.map((thread) => once(thread, 'exit'));
  while (Atomics.load(taken, 0) === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 100_000; i++) Atomics.add(taken, counter.take(), 1);
  await Promise.all(exits);
  assert.equal(counter.sent, 100_000 + WORKERS * 20_000 * 7);
  for (let i = 0; i < counter.sent; i++) assert.equal(taken[i], 1);
});

test('at the limit nothing is given out any more, long before the counter would wrap', () => {
  const memory = createPlaneMemory(LIMITS);
  const words = new Int32Array(memory.keypairs);
  const counter = new SharedCounter(memory, 1);
  words[KEYPAIR_WORDS + SEND_COUNTER] = SHARED_COUNTER_LIMIT - 1;
  assert.equal(counter.sent < counter.limit, true);
  assert.equal(takeCounters(words, 1, 64), SHARED_COUNTER_LIMIT - 1);
  assert.equal(takeCounters(words, 1, 1), -1);
  assert.equal(counter.sent < counter.limit, false);
  assert.ok(counter.sent > 0 && counter.limit > 0);
});
