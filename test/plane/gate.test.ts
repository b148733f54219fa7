/** The gate, with a thread that reads without a lock what is changed behind its back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { isThreadGone } from '../../runtime/linux/fast/thread-id.ts';
import { loadLibc } from '../../runtime/linux/libc.ts';
import { atGate, GATE_WORDS, GENERATION, leave, STOP, WORKERS, type Workers } from '../../src/plane/gate.ts';
import { createPlaneMemory, THREAD_ID, wordOf } from '../../src/plane/plane-memory.ts';
import { runtime } from '../runtime/this-runtime.ts';

const ALL_THERE: Workers = { isGone: () => false };

function createGate(workers: number): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(4 * GATE_WORDS));
  words[WORKERS] = workers;
  return words;
}

for (const [count, sleeps] of [
  [2, false],
  [2, true],
  [5, true],
] as const)
  test(`of ${count} workers that ${sleeps ? 'sleep now and then' : 'never sleep'} none sees a change half done`, async () => {
    const words = createGate(count);
    const table = new Int32Array(new SharedArrayBuffer(4 * 64));
    const threads = Array.from(
      { length: count },
      (_, worker) =>
        new Worker(new URL('programs/read-at-gate.ts', import.meta.url), {
          workerData: { words, table, worker, sleeps },
        }),
    );
    const reports = threads.map((thread) => once(thread, 'message'));
    await Promise.all(threads.map((thread) => once(thread, 'online')));
    // Until all have seen enough: each counts its batches in the upper half of the table.
    const hasSeenEnough = (): boolean => threads.every((_, worker) => Atomics.load(table, 32 + worker) >= 1000);
    for (let value = 1; value < 300 || !hasSeenEnough(); value++)
      atGate(words, ALL_THERE, () => table.fill(value, 0, 32));
    Atomics.store(words, STOP, 1);
    for (const [report] of await Promise.all(reports)) assert.deepEqual(report, { torn: 0, stale: 0 });
    assert.ok(words[GENERATION]! >= 299);
  });

test('without workers the gate is no obstacle, and what fails at it opens it again', () => {
  const words = createGate(0);
  assert.equal(
    atGate(words, ALL_THERE, () => 7),
    7,
  );
  assert.throws(
    () =>
      atGate(words, ALL_THERE, () => {
        throw new Error('no');
      }),
    /no/,
  );
  assert.equal(words[0], 0);
});

test('a worker that was ended from outside is no obstacle once it is known to have left', async () => {
  const words = createGate(2);
  const worker = new Worker(new URL('programs/never-leave.ts', import.meta.url), { workerData: words });
  await once(worker, 'message');
  await worker.terminate();
  leave(words, 1);
  assert.equal(
    atGate(words, ALL_THERE, () => 7),
    7,
  );
});

test('a worker that ends while the control thread waits for it is no obstacle for long', async () => {
  const words = new Int32Array(createPlaneMemory({ peers: 1, routeNodes: 8, ringBytes: 64 }).words);
  const worker = new Worker(new URL('programs/end-at-gate.ts', import.meta.url), { workerData: words });
  const ended = once(worker, 'exit');
  await once(worker, 'message');
  const ffi = await runtime.loadFfi();
  const isGone = (): boolean => isThreadGone(ffi, loadLibc(ffi), words[wordOf(1, THREAD_ID)]!);
  assert.equal(isGone(), false);
  // It throws when it has waited for too long.
  assert.equal(
    atGate(words, { isGone }, () => 7),
    7,
  );
  assert.equal(isGone(), true);
  await ended;
});
