/** How a worker of the data plane has itself scheduled on this runtime, and what the kernel says of its thread. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CALM_AFTER_MS, createBatchPolicy } from '../../runtime/linux/fast/batch-policy.ts';
import { type FastLibc, loadFastLibc } from '../../runtime/linux/fast/fast-libc.ts';
import { WorkerLink } from '../../runtime/linux/fast/worker-link.ts';
import type { Ffi, FfiLibrary, FfiSignature } from '../../runtime/linux/ffi.ts';
import { STOP } from '../../src/plane/gate.ts';
import { createPlaneMemory } from '../../src/plane/plane-memory.ts';

const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
const FOREVER = -1;

/** proc(5): field 41 of stat, the 39th behind the name. */
function ownPolicy(): number {
  const stat = readFileSync('/proc/thread-self/stat', 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]);
}

export function batchPolicyConformance(ffi: Ffi): void {
  test('a worker is a batch thread while it has much to do, and none when it has little', () => {
    const policy = createBatchPolicy(ffi, loadFastLibc(ffi));
    const policies = [1000, 1010, 1020, 1200, 1500, 1510].map((now) => {
      policy.look(now);
      return ownPolicy();
    });
    policy.calm();
    assert.deepEqual(
      [...policies, ownPolicy()],
      [SCHED_OTHER, SCHED_BATCH, SCHED_BATCH, SCHED_BATCH, SCHED_OTHER, SCHED_BATCH, SCHED_OTHER],
    );
  });

  test('a policy that somebody else has chosen stays', () => {
    const chosen = (policies: readonly number[]): readonly unknown[] => {
      const asked: unknown[] = [];
      const policy = createBatchPolicy(ffi, {
        sched_getscheduler: () => policies[Math.min(asked.length, policies.length - 1)]!,
        sched_setscheduler: (...args) => (asked.push(args[1]), 0),
      });
      for (const now of [0, 1, 2, 1000, 2000, 2001]) policy.look(now);
      return asked;
    };
    assert.deepEqual(chosen([SCHED_IDLE]), []);
    assert.deepEqual(chosen([SCHED_OTHER, SCHED_IDLE]), [SCHED_BATCH]);
    assert.deepEqual(chosen([SCHED_OTHER, SCHED_BATCH, SCHED_OTHER]), [SCHED_BATCH, SCHED_OTHER, SCHED_BATCH]);
  });

  test('a worker goes without where the C library refuses', () => {
    const refusals: unknown[] = [];
    const policy = createBatchPolicy(ffi, {
      sched_getscheduler: () => SCHED_OTHER,
      sched_setscheduler: (...args) => (refusals.push(args[1]), -1),
    });
    for (const now of [0, 1, 2, 1000, 1001]) policy.look(now);
    assert.equal(policy.isBatch, false);
    assert.deepEqual(refusals, [SCHED_BATCH]);
  });

  test('a worker that sleeps has become a thread like any other', () => {
    const asleep: { timeoutMs: unknown; policy: number }[] = [];
    const memory = createPlaneMemory();
    const words = new Int32Array(memory.words);
    const poll = (_fds: unknown, _count: unknown, timeoutMs: unknown): number => {
      asleep.push({ timeoutMs, policy: ownPolicy() });
      return timeoutMs === FOREVER ? 1 : 0;
    };
    const link = new WorkerLink(
      { ...ffi, load: loadWith(ffi, { poll }) },
      { worker: 0, memory, eventFd: -1, bell: -1, cipherMode: 'whole', udpOffload: false },
      () => {},
    );
    link.run(() => {
      if (ownPolicy() !== SCHED_BATCH) return; // a batch that was quick: before long there are as many as it takes
      link.sleepUntilReadable(-1);
      Atomics.store(words, STOP, 1);
    });
    assert.deepEqual(asleep[0], { timeoutMs: CALM_AFTER_MS, policy: SCHED_BATCH });
    assert.deepEqual(asleep.at(-1), { timeoutMs: FOREVER, policy: SCHED_OTHER });
    assert.equal(ownPolicy(), SCHED_OTHER);
  });
}

/** A C library with some functions of ours. */
function loadWith(ffi: Ffi, functions: Partial<FastLibc>): Ffi['load'] {
  return <Names extends string>(
    library: string,
    symbols: Readonly<Record<Names, FfiSignature>>,
  ): FfiLibrary<Names> => ({
    ...ffi.load(library, symbols),
    ...functions,
  });
}
