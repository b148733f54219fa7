/**
 * The bell of a registry that is one process: requests that wait for a change are woken by the request that makes it.
 * Another process that writes to the same database does not ring: whoever notices rings for it, or who waits learns of it when the time is up.
 *
 * A change wakes those whom it concerns: who waits is kept by tags, so that the others cost nothing. Ten thousand that wake at once would keep
 * everybody else waiting for seconds, and a fleet that enrols would wake them for each host. So they wake in a wave, some in each turn of
 * the event loop, and what changes meanwhile is not rung again for those who still wait: the version that they find is the newest.
 */
import type { Audience, Bell, Waiting } from './service/ports.ts';

export interface MemoryBell extends Bell {
  /** Ids of the networks of which somebody waits for a change. */
  awaited(): number[];
  /** Wakes everyone, now and from now on: the registry is shutting down. */
  close(): void;
}

interface Waiter extends Waiting {
  /** Those among whom it waits. */
  place: Set<Waiter>;
  wake(isRung: boolean): void;
}

interface Group {
  readonly tags: readonly string[];
  readonly waiters: Set<Waiter>;
}

interface Room {
  /** The newest version that was rung. */
  rung: number;
  /** By their tags. */
  readonly groups: Map<string, Group>;
  /** Those who are being woken. */
  readonly wave: Set<Waiter>;
  isWaking: boolean;
}

/** In one turn of the event loop. */
const WAKE_AT_ONCE = 100;

export function createMemoryBell(): MemoryBell {
  const rooms = new Map<number, Room>();
  let closed = false;

  const roomOf = (networkId: number): Room => {
    const known = rooms.get(networkId);
    if (known !== undefined) return known;
    const room = { rung: 0, groups: new Map<string, Group>(), wave: new Set<Waiter>(), isWaking: false };
    rooms.set(networkId, room);
    return room;
  };

  return {
    get isClosed() {
      return closed;
    },

    ring(networkId, version, audience) {
      const room = roomOf(networkId);
      room.rung = Math.max(version, room.rung);
      for (const group of room.groups.values()) gather(group, version, audience, room.wave);
      if (room.isWaking) return;
      room.isWaking = true;
      wakeSome(room);
    },

    wait(networkId, waiting, timeoutMs, signal) {
      if (closed || signal.aborted) return Promise.resolve(false);
      const room = roomOf(networkId);
      // Rung between the caller's look into the store and now: there is nothing to wait for, but the others' turn.
      const isLate = waiting.seen !== undefined && room.rung > waiting.seen;
      if (isLate && !room.isWaking) return Promise.resolve(true);
      return new Promise((resolve) => {
        const wake = (isRung: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          waiter.place.delete(waiter);
          dropEmpty(room, waiting.tags);
          resolve(isRung);
        };
        const end = (): void => wake(false);
        const place = isLate ? room.wave : groupOf(room, waiting.tags).waiters;
        const waiter: Waiter = { ...waiting, place, wake };
        const timer = setTimeout(end, timeoutMs);
        signal.addEventListener('abort', end);
        place.add(waiter);
      });
    },

    awaited: () => [...rooms].filter(([, { groups }]) => groups.size > 0).map(([networkId]) => networkId),

    close() {
      closed = true;
      for (const { groups, wave } of rooms.values())
        for (const waiters of [wave, ...[...groups.values()].map((group) => group.waiters)])
          for (const waiter of waiters) waiter.wake(false);
    },
  };
}

/** Moves those of a group whom the change concerns into the wave. */
function gather({ tags, waiters }: Group, version: number, audience: Audience | undefined, wave: Set<Waiter>): void {
  const all = audience === undefined || audience.concerns(tags);
  if (!all && audience.hostIds.length === 0) return;
  for (const waiter of waiters) {
    if (waiter.seen !== undefined && waiter.seen >= version) continue;
    if (!all && !audience.hostIds.includes(waiter.hostId)) continue;
    waiters.delete(waiter);
    wave.add(waiter);
    waiter.place = wave;
  }
}

function wakeSome(room: Room): void {
  let left = WAKE_AT_ONCE;
  for (const waiter of room.wave) {
    if (left-- === 0) {
      setTimeout(wakeSome, 0, room);
      return;
    }
    waiter.wake(true);
  }
  room.isWaking = false;
}

function groupOf({ groups }: Room, tags: readonly string[]): Group {
  const key = tags.join();
  const known = groups.get(key);
  if (known !== undefined) return known;
  const group = { tags, waiters: new Set<Waiter>() };
  groups.set(key, group);
  return group;
}

function dropEmpty({ groups }: Room, tags: readonly string[]): void {
  const key = tags.join();
  if (groups.get(key)?.waiters.size === 0) groups.delete(key);
}
