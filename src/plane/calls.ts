/**
 * The workers' calls on the control thread. A call is a message, sent when PENDING goes from 0 to 1, and answered in a turn of the
 * event loop that comes later: a runtime hands out messages for as long as there are any, and a worker that may call again
 * while it is answered would keep timers, signals and the other workers waiting.
 */
import { PENDING, wordOf } from './plane-memory.ts';

/**
 * Returns what to do with each message. `soon` calls back once everything else that waits has had its turn; `answer` then finds
 * what the worker has written so far.
 */
export function answerCalls(
  words: Int32Array,
  soon: (callback: () => void) => void,
  answer: (worker: number) => void,
): (worker: number) => void {
  const callers = new Set<number>();

  function answerAll(): void {
    const workers = [...callers];
    callers.clear();
    for (const worker of workers) {
      Atomics.store(words, wordOf(worker, PENDING), 0); // whatever comes later is another call
      answer(worker);
    }
  }

  return (worker) => {
    if (callers.size === 0) soon(answerAll);
    callers.add(worker);
  };
}
