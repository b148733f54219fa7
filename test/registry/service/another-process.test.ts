/** What another process writes is heard of by who waits, though nobody rings for it; and while it writes for long, nobody else can. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchDatabase } from '../../../runtime/linux/database-watch.ts';
import { ringForOthers } from '../../../src/registry/another-process.ts';
import { createRegistry } from '../../../src/library/registry.ts';
import { createMemoryBell } from '../../../src/registry/memory-bell.ts';
import { Problem } from '../../../src/registry/problem.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { startServices } from './service-lab.ts';

/** The longest that a timer takes: 24 days. */
const EVER_MS = 2 ** 31 - 1;
const NEVER = new AbortController().signal;
const waiter = (seen: number) => ({ hostId: 'teddy', tags: [], seen });

test('whoever waits is woken by a newer version, and by the end of the network, and by nothing else', async (t) => {
  const { database, ports, clock } = await startServices(t);
  const bell = createMemoryBell();
  const version = (await ports.store.networkVersion(1))?.version ?? 0;
  let isWoken = false;
  const current = bell.wait(1, waiter(version), EVER_MS, NEVER).then((isRung) => (isWoken = isRung));
  const behind = bell.wait(1, waiter(version - 1), EVER_MS, NEVER);
  await ringForOthers(bell, ports);
  assert.equal(await behind, true);
  assert.deepEqual([isWoken, bell.awaited()], [false, [1]]);
  await database.prepare('UPDATE networks SET version = version + 1').run();
  await ringForOthers(bell, ports);
  assert.equal(await current, true);
  const last = bell.wait(1, waiter(version + 1), EVER_MS, NEVER);
  await database.prepare('DELETE FROM networks').run();
  clock.now += 1000;
  await ringForOthers(bell, ports);
  assert.deepEqual([await last, bell.awaited()], [true, []]);
});

test('a commit of another connection is noticed, and each of several', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-watch-'));
  const [own, other] = await Promise.all([1, 2].map(() => runtime.openDatabase(join(folder, 'r.db'))));
  t.after(async () => {
    for (const database of [own!, other!]) database.close();
    await rm(folder, { recursive: true });
  });
  let noticed = 0;
  const end = await watchDatabase(own!, async () => void noticed++);
  for (let writes = 1; writes <= 2; writes++) {
    await other!.prepare(`CREATE TABLE t${writes} (id INTEGER)`).run();
    await waitFor('it is noticed', () => noticed === writes);
  }
  end();
});

test('who writes while another process has done so for long is told to come again, and who reads is answered', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-locked-'));
  const [own, other] = await Promise.all([1, 2].map(() => runtime.openDatabase(join(folder, 'r.db'))));
  t.after(async () => {
    for (const database of [own!, other!]) database.close();
    await rm(folder, { recursive: true });
  });
  const registry = await createRegistry({ database: own!, peerAddress: () => '' });
  const headers = {
    authorization: `Bearer ${await registry.issueFirstAdminKey()}`,
    'content-type': 'application/json',
  };
  const ask = async (name?: string) =>
    registry.app.request('/v1/networks', { headers, ...(name && { method: 'POST', body: JSON.stringify({ name }) }) });
  await own!.prepare('PRAGMA busy_timeout = 1').all();
  await other!.prepare('BEGIN IMMEDIATE').run();
  // Alone, and as one of a group.
  for (const names of [['home'], ['home', 'work']])
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const answer of await Promise.all(names.map(ask))) {
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5']);
      // oxlint-disable-next-line no-await-in-loop -- as above
      assert.equal(Problem.parse(await answer.json()).type, 'urn:peerage:problem:busy');
    }
  assert.equal((await ask()).status, 200);
  await other!.prepare('ROLLBACK').run();
  assert.equal((await ask('home')).status, 201);
});
