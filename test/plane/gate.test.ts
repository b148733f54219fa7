/** The gate, with a thread that reads without a lock what is changed behind its back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { atGate, GATE_WORDS, GENERATION, leave, STOP } from '../../src/plane/gate.ts';

for (const sleeps of [false, true])
  test(`a worker that ${sleeps ? 'sleeps now and then' : 'never sleeps'} sees no change half done`, async () => {
    const words = new Int32Array(new SharedArrayBuffer(4 * GATE_WORDS));
    const table = new Int32Array(new SharedArrayBuffer(4 * 64));
    const threads = (['outbound', 'inbound'] as const).map(
      (role) =>
        new Worker(new URL('programs/read-at-gate.ts', import.meta.url), {
          workerData: { words, table, role, sleeps },
        }),
    );
    const reports = threads.map((thread) => once(thread, 'message'));
    await Promise.all(threads.map((thread) => once(thread, 'online')));
    // Until both have seen enough: each counts its batches in the upper half of the table.
    for (let value = 1; value < 300 || Atomics.load(table, 62) < 1000 || Atomics.load(table, 63) < 1000; value++)
      atGate(words, () => table.fill(value, 0, 32));
    Atomics.store(words, STOP, 1);
    for (const [report] of await Promise.all(reports)) assert.deepEqual(report, { torn: 0, stale: 0 });
    assert.ok(words[GENERATION]! >= 299);
  });

test('without workers the gate is no obstacle, and what fails at it opens it again', () => {
  const words = new Int32Array(new SharedArrayBuffer(4 * GATE_WORDS));
  assert.equal(
    atGate(words, () => 7),
    7,
  );
  assert.throws(
    () =>
      atGate(words, () => {
        throw new Error('no');
      }),
    /no/,
  );
  assert.equal(words[0], 0);
});

test('a worker that was ended from outside is no obstacle once it is known to have left', async () => {
  const words = new Int32Array(new SharedArrayBuffer(4 * GATE_WORDS));
  const worker = new Worker(new URL('programs/never-leave.ts', import.meta.url), { workerData: words });
  await once(worker, 'message');
  await worker.terminate();
  leave(words, 'inbound');
  assert.equal(
    atGate(words, () => 7),
    7,
  );
});
