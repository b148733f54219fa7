/** Calls of the workers, with a thread that never stops calling. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { answerCalls } from '../../src/plane/calls.ts';
import { STOP } from '../../src/plane/gate.ts';
import { createPlaneMemory, PENDING, wordOf } from '../../src/plane/plane-memory.ts';

const TURNS = 100;
const OUTBOUND = 0;
const INBOUND = 1;

function createWords(): Int32Array {
  return new Int32Array(createPlaneMemory({ peers: 1, routeNodes: 8, ringBytes: 64 }).words);
}

test('calls are answered once each, later, in their order, and whoever calls from then on calls anew', () => {
  const words = createWords();
  const waiting: (() => void)[] = [];
  const answered: number[] = [];
  const call = answerCalls(
    words,
    (callback) => waiting.push(callback),
    (worker) => {
      assert.equal(Atomics.load(words, wordOf(worker, PENDING)), 0);
      answered.push(worker);
      if (answered.length === 1) call(worker);
    },
  );
  for (const worker of [INBOUND, OUTBOUND, INBOUND]) {
    Atomics.store(words, wordOf(worker, PENDING), 1);
    call(worker);
  }
  assert.deepEqual(answered, []);
  assert.equal(Atomics.load(words, wordOf(INBOUND, PENDING)), 1, 'it need not call again before it is answered');
  assert.equal(waiting.length, 1);
  waiting.shift()?.();
  assert.deepEqual(answered, [INBOUND, OUTBOUND]);
  assert.equal(waiting.length, 1, 'what came meanwhile has its own turn');
  waiting.shift()?.();
  assert.deepEqual(answered, [INBOUND, OUTBOUND, INBOUND]);
  assert.equal(waiting.length, 0);
});

test('a worker that calls again while it is answered keeps nobody from having a turn', async () => {
  const words = createWords();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let total = 0;
  let inThisTurn = 0;
  let most = 0;
  const call = answerCalls(
    words,
    (callback) => void setImmediate(callback),
    () => {
      total++;
      most = Math.max(most, ++inThisTurn);
      if (total >= TURNS) return resolve();
      while (Atomics.load(words, wordOf(INBOUND, PENDING)) === 0) Atomics.wait(words, wordOf(INBOUND, PENDING), 0, 1);
    },
  );
  const worker = new Worker(new URL('programs/call-on-and-on.ts', import.meta.url), { workerData: words });
  worker.on('message', () => call(INBOUND));
  let turns = setImmediate(function count() {
    inThisTurn = 0;
    turns = setImmediate(count);
  });
  await done;
  clearImmediate(turns);
  Atomics.store(words, STOP, 1);
  await once(worker, 'exit');
  assert.ok(most <= 2, `${most} answers in one turn`);
});
