import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryBell } from '../../src/registry/memory-bell.ts';

const NEVER = new AbortController().signal;
const LONG_MS = 60_000;

describe('the bell', () => {
  test('wakes who waits for that network, and nobody else', async () => {
    const bell = createMemoryBell();
    const woken: string[] = [];
    const note = (name: string, waiting: Promise<void>) => waiting.then(() => void woken.push(name));
    const home = [note('home', bell.wait(1, 5, LONG_MS, NEVER)), note('home', bell.wait(1, 5, LONG_MS, NEVER))];
    const work = note('work', bell.wait(2, 5, LONG_MS, NEVER));
    bell.ring(1, 6);
    await Promise.all(home);
    assert.deepEqual(woken, ['home', 'home']);
    bell.close();
    await work;
  });

  test('does not let anyone wait for a change that it has rung already', async () => {
    const bell = createMemoryBell();
    bell.ring(1, 6);
    await bell.wait(1, 5, LONG_MS, NEVER);
  });

  test('lets go of who goes away, and of who came too late', async () => {
    const bell = createMemoryBell();
    const client = new AbortController();
    const waiting = bell.wait(1, 5, LONG_MS, client.signal);
    client.abort();
    await waiting;
    await bell.wait(1, 5, LONG_MS, client.signal);
    bell.close();
    await bell.wait(1, 5, LONG_MS, NEVER);
  });

  test('rings when the time is up', async () => {
    await createMemoryBell().wait(1, 5, 1, NEVER);
  });

  test('wakes many in a wave that others get between, but nobody who has seen the newest version', async () => {
    const bell = createMemoryBell();
    let woken = 0;
    const wait = (seen: number) => bell.wait(1, seen, LONG_MS, NEVER).then(() => void woken++);
    const waiting = Array.from({ length: 250 }, () => wait(5));
    const inBetween = new Promise<number>((resolve) => setTimeout(() => resolve(woken), 0));
    bell.ring(1, 6);
    // They come while the wave is on its way: one with an old version, and one who has been answered.
    const late = wait(5);
    const upToDate = wait(6);
    assert.ok((await inBetween) < 250);
    await Promise.all([...waiting, late]);
    assert.equal(woken, 251);
    bell.ring(1, 7);
    await upToDate;
  });
});
