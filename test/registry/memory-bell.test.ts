import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryBell } from '../../src/registry/memory-bell.ts';
import { holdRequest, holdRequests, waitOf } from '../../src/registry/service/held-requests.ts';

const NEVER = new AbortController().signal;
const LONG_MS = 60_000;
const waiter = (seen: number | undefined, hostId = 'teddy', ...tags: string[]) => ({ hostId, tags, seen });

describe('the bell', () => {
  test('wakes who waits for that network, and nobody else', async () => {
    const bell = createMemoryBell();
    const woken: string[] = [];
    const note = (name: string, waiting: Promise<unknown>) => waiting.then(() => void woken.push(name));
    const home = [
      note('home', bell.wait(1, waiter(5), LONG_MS, NEVER)),
      note('home', bell.wait(1, waiter(5), LONG_MS, NEVER)),
    ];
    const work = note('work', bell.wait(2, waiter(5), LONG_MS, NEVER));
    bell.ring(1, 6);
    await Promise.all(home);
    assert.deepEqual(woken, ['home', 'home']);
    bell.close();
    await work;
  });

  test('does not let anyone wait for a change that it has rung already', async () => {
    const bell = createMemoryBell();
    bell.ring(1, 6);
    await bell.wait(1, waiter(5), LONG_MS, NEVER);
  });

  test('wakes those whom a change concerns, by their tags or by name, and keeps the others waiting', async () => {
    const bell = createMemoryBell();
    const woken: string[] = [];
    const wait = (hostId: string, ...tags: string[]) =>
      bell.wait(1, waiter(5, hostId, ...tags), LONG_MS, NEVER).then(() => void woken.push(hostId));
    const [web, lab, db] = [wait('web', 'office'), wait('lab', 'lab'), wait('db', 'office', 'lab')];
    const concerns = (tags: readonly string[]) => tags[0] === 'office';
    bell.ring(1, 6, { concerns: () => false, hostIds: [] });
    bell.ring(1, 7, { concerns: () => false, hostIds: ['web'] });
    await web;
    assert.deepEqual(woken, ['web']);
    bell.ring(1, 8, { concerns, hostIds: [] });
    await db;
    assert.deepEqual(woken, ['web', 'db']);
    bell.ring(1, 9);
    await lab;
  });

  test('lets who found nothing new at a ring that was none wait for the next one', async () => {
    const bell = createMemoryBell();
    bell.ring(1, 100); // of a database that an older one has taken the place of
    let isWoken = false;
    const waiting = bell.wait(1, waiter(undefined), LONG_MS, NEVER).then(() => void (isWoken = true));
    await new Promise(setImmediate);
    assert.equal(isWoken, false);
    bell.ring(1, 7);
    await waiting;
  });

  test('lets go of who goes away, and of who came too late', async () => {
    const bell = createMemoryBell();
    const client = new AbortController();
    const waiting = bell.wait(1, waiter(5), LONG_MS, client.signal);
    client.abort();
    await waiting;
    await bell.wait(1, waiter(5), LONG_MS, client.signal);
    bell.close();
    await bell.wait(1, waiter(5), LONG_MS, NEVER);
  });

  test('rings when the time is up', async () => {
    assert.equal(await createMemoryBell().wait(1, waiter(5), 1, NEVER), false);
  });

  test('wakes many in a wave that others get between, but nobody who has seen the newest version', async () => {
    const bell = createMemoryBell();
    let woken = 0;
    const wait = (seen: number) => bell.wait(1, waiter(seen), LONG_MS, NEVER).then(() => void woken++);
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

test('a held request that looks again because of the time, and is overtaken by a change then, is woken by it', async () => {
  const bell = createMemoryBell();
  let version = 10;
  const looks: string[] = [];
  const app = {
    fetch(request: Request): Response | Promise<Response> {
      const seen = version;
      const wait = waitOf(request);
      looks.push(`${wait} ${seen}`);
      if (looks.length === 2) bell.ring(1, (version = 11)); // between this look and the waiting
      if (seen === 10 && wait !== 'over')
        holdRequest(request, {
          networkId: 1,
          waiter: waiter(seen),
          timeoutMs: 1000,
          lookAgainMs: looks.length === 1 ? 1 : 1000,
          release() {},
        });
      return new Response();
    },
  };
  holdRequests(app, { bell, wall: () => 0 });
  await app.fetch(new Request('http://registry/v1/peers?wait=1'));
  assert.deepEqual(looks, ['begins 10', 'woken 10', 'woken 11']);
});
