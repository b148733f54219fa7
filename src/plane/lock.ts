/**
 * A lock of a few instructions among workers: one word of shared memory, 0 when it is free. Who finds it taken sleeps soon, since
 * the one that has it may not be running.
 */

const FREE = 0;
const TAKEN = 1;
/** Somebody sleeps until it is free. */
const WAITED_FOR = 2;

/** Looks before sleeping: some hundred nanoseconds. */
const SPINS = 32;
/** What is done under the lock takes a microsecond. Whoever has not given it back by now never will. */
const PATIENCE_MS = 10_000;

/** Runs `change` while nobody else does anything under the same word. Throws when whoever has the lock does not give it back. */
export function locked<T>(words: Int32Array, at: number, change: () => T, { patienceMs = PATIENCE_MS } = {}): T {
  take(words, at, patienceMs);
  try {
    return change();
  } finally {
    giveBack(words, at);
  }
}

export function take(words: Int32Array, at: number, patienceMs = PATIENCE_MS): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.compareExchange(words, at, FREE, TAKEN) === FREE) return;
  while (Atomics.exchange(words, at, WAITED_FOR) !== FREE)
    if (Atomics.wait(words, at, WAITED_FOR, patienceMs) === 'timed-out')
      throw new Error('a worker does not give a lock back');
}

export function giveBack(words: Int32Array, at: number): void {
  if (Atomics.exchange(words, at, FREE) === WAITED_FOR) Atomics.notify(words, at, 1);
}
