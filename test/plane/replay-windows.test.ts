/** Replay windows that workers share: threads that offer the same counters, and the tables of two workers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { locked } from '../../src/plane/lock.ts';
import { clearWindow, SharedWindow, WINDOW_BYTES } from '../../src/plane/replay-windows.ts';
import { REPLAY_WINDOW, ReplayWindow } from '../../src/transport/replay-window.ts';

const THREADS = 4;

test('of counters that several threads offer at the same time each is accepted at most once, and none is lost', async () => {
  const windows = new SharedArrayBuffer(3 * WINDOW_BYTES);
  // So few that no thread can be out of the window of the others.
  const accepted = new Int32Array(new SharedArrayBuffer(4 * REPLAY_WINDOW));
  const begun = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { windows, row: 1, accepted, begun, threads: THREADS };
  const threads = Array.from(
    { length: THREADS },
    () => new Worker(new URL('programs/accept-counters.ts', import.meta.url), { workerData }),
  );
  await Promise.all(threads.map((thread) => once(thread, 'exit')));
  assert.ok(accepted.every((times) => times === 1));
  const beside = [new Uint8Array(windows, 0, WINDOW_BYTES), new Uint8Array(windows, 2 * WINDOW_BYTES)];
  assert.ok(
    beside.every((bytes) => bytes.every((byte) => byte === 0)),
    'the rows beside it are untouched',
  );
});

test('whichever of two workers gets a message, the window says what the window of one worker says', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -REPLAY_WINDOW - 40, max: 3 * REPLAY_WINDOW })));
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 2 ** 32 - 20, 2 ** 52), (steps, start) => {
      const windows = new SharedArrayBuffer(WINDOW_BYTES);
      const [one, other, reference] = [new SharedWindow(windows, 0), new SharedWindow(windows, 0), new ReplayWindow()];
      let greatest = start;
      for (const [isOther, step] of [[false, 0] as const, ...steps]) {
        const counter = Math.max(0, greatest + step);
        greatest = Math.max(greatest, counter);
        assert.equal((isOther ? other : one).accept(counter), reference.accept(counter), `counter ${counter}`);
      }
    }),
  );
});

test('a row that was cleared begins anew', () => {
  const windows = new SharedArrayBuffer(2 * WINDOW_BYTES);
  const [own, others] = [new SharedWindow(windows, 0), new SharedWindow(windows, 1)];
  for (const window of [own, others]) assert.equal(window.accept(70_000), true);
  clearWindow(windows, 0);
  assert.equal(own.accept(0), true);
  assert.equal(others.accept(0), false);
});

test('a lock is given back by what throws, and one that nobody gives back is an error instead of a thread that hangs', () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  assert.throws(() => locked(words, 1, () => assert.fail('this one')), /this one/);
  assert.equal(
    locked(words, 1, () => 7),
    7,
  );
  assert.equal(words[1], 0);
  words[1] = 1;
  assert.throws(() => locked(words, 1, () => 7, { patienceMs: 1 }), /does not give a lock back/);
});
