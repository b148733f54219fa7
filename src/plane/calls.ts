/**
 * The workers' calls on the control thread. A call is a message, sent when PENDING goes from 0 to 1, and answered in a turn of the
 * event loop that comes later: a runtime hands out messages for as long as there are any, and a worker that may call again
 * while it is answered would keep timers, signals and the other worker waiting.
 */
import type { Role } from './gate.ts';
import { PENDING } from './plane-memory.ts';

/**
 * Returns what to do with each message. `soon` calls back once everything else that waits has had its turn; `answer` then finds
 * what the worker has written so far.
 */
export function answerCalls(
  words: Int32Array,
  soon: (callback: () => void) => void,
  answer: (role: Role) => void,
): (role: Role) => void {
  const callers = new Set<Role>();

  function answerAll(): void {
    const roles = [...callers];
    callers.clear();
    for (const role of roles) {
      Atomics.store(words, PENDING[role], 0); // whatever comes later is another call
      answer(role);
    }
  }

  return (role) => {
    if (callers.size === 0) soon(answerAll);
    callers.add(role);
  };
}
