/**
 * The bell of a registry that is one process: requests that wait for a change are woken by the request that makes it.
 * Another process that writes to the same database does not ring; who waits then learns of it when the time is up.
 */
import type { Bell } from './service/ports.ts';

export interface MemoryBell extends Bell {
  /** Wakes everyone, now and from now on: the registry is shutting down. */
  close(): void;
}

export function createMemoryBell(): MemoryBell {
  const rung = new Map<number, number>();
  const waiting = new Map<number, Set<() => void>>();
  let closed = false;

  const wakeAll = (networkId: number): void => {
    const wakers = waiting.get(networkId) ?? [];
    waiting.delete(networkId);
    for (const wake of wakers) wake();
  };

  return {
    get isClosed() {
      return closed;
    },

    ring(networkId, version) {
      rung.set(networkId, Math.max(version, rung.get(networkId) ?? 0));
      wakeAll(networkId);
    },

    wait(networkId, seen, timeoutMs, signal) {
      // Rung between the caller's look into the store and now: there is nothing to wait for.
      if (closed || signal.aborted || (rung.get(networkId) ?? 0) > seen) return Promise.resolve();
      return new Promise((resolve) => {
        const wakers = waiting.get(networkId) ?? new Set();
        waiting.set(networkId, wakers);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          wakers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, timeoutMs);
        signal.addEventListener('abort', wake);
        wakers.add(wake);
      });
    },

    close() {
      closed = true;
      for (const networkId of waiting.keys()) wakeAll(networkId);
    },
  };
}
