/**
 * The bell of a registry that is one process: requests that wait for a change are woken by the request that makes it.
 * Another process that writes to the same database does not ring; who waits then learns of it when the time is up.
 *
 * Ten thousand that wake at once would keep everybody else waiting for seconds, and a fleet that enrols would wake them for each
 * host. So they wake in a wave, some in each turn of the event loop, and what changes meanwhile is not rung again for those who
 * still wait: the version that they find is the newest.
 */
import type { Bell } from './service/ports.ts';

export interface MemoryBell extends Bell {
  /** Wakes everyone, now and from now on: the registry is shutting down. */
  close(): void;
}

interface Waiter {
  readonly seen: number;
  wake(): void;
}

/** In one turn of the event loop. */
const WAKE_AT_ONCE = 100;

export function createMemoryBell(): MemoryBell {
  const rung = new Map<number, number>();
  const waiting = new Map<number, Set<Waiter>>();
  /** The networks whose hosts are being woken. */
  const waves = new Set<number>();
  let closed = false;

  const wakeSome = (networkId: number): void => {
    const newest = rung.get(networkId) ?? 0;
    let left = WAKE_AT_ONCE;
    for (const waiter of waiting.get(networkId) ?? []) {
      if (waiter.seen >= newest) continue;
      if (left-- === 0) {
        setTimeout(wakeSome, 0, networkId);
        return;
      }
      waiter.wake();
    }
    waves.delete(networkId);
  };

  return {
    get isClosed() {
      return closed;
    },

    ring(networkId, version) {
      rung.set(networkId, Math.max(version, rung.get(networkId) ?? 0));
      if (waves.has(networkId)) return;
      waves.add(networkId);
      wakeSome(networkId);
    },

    wait(networkId, seen, timeoutMs, signal) {
      if (closed || signal.aborted) return Promise.resolve();
      // Rung between the caller's look into the store and now: there is nothing to wait for, but the others' turn.
      if ((rung.get(networkId) ?? 0) > seen && !waves.has(networkId)) return Promise.resolve();
      return new Promise((resolve) => {
        const waiters = waiting.get(networkId) ?? new Set();
        waiting.set(networkId, waiters);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          waiters.delete(waiter);
          if (waiters.size === 0) waiting.delete(networkId);
          resolve();
        };
        const waiter = { seen, wake };
        const timer = setTimeout(wake, timeoutMs);
        signal.addEventListener('abort', wake);
        waiters.add(waiter);
      });
    },

    close() {
      closed = true;
      for (const waiters of waiting.values()) for (const waiter of waiters) waiter.wake();
    },
  };
}
