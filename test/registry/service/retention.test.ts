/** What is left in the tables of what is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addHost } from '../../../src/registry/service/enrol.ts';
import { changeHost, getHost, leave, removeHost } from '../../../src/registry/service/hosts.ts';
import { changeNetwork, findNetwork } from '../../../src/registry/service/networks.ts';
import { listPeers } from '../../../src/registry/service/peers.ts';
import { rotate } from '../../../src/registry/service/rotation.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from './service-lab.ts';

const DAY_MS = 86_400_000;
/** What a request may ask of D1 on Cloudflare's free plan. */
const MOST_QUERIES = 50;

async function start(t: Parameters<typeof startServices>[0]) {
  const services = await startServices(t);
  const { ports, database } = services;
  const add = async (name: string) => accepted(await addHost('home', { name, publicKey: someKey() }, ADMIN, ports));
  const column = async (query: string) =>
    (await database.prepare(query).all()).results.flatMap((row) => Object.values(row));
  const ask = async () => accepted(await findNetwork('home', ports));
  return { ...services, add, column, ask };
}

test('a host that was removed leaves its row for thirty days, and then nothing', async (t) => {
  const { ports, clock, add, column, ask, caller } = await start(t);
  await add('dolores');
  await add('teddy');
  const { hostKey } = await add('maeve');
  accepted(await removeHost({ network: 'home', host: 'teddy' }, ADMIN, ports));
  await leave(await caller(hostKey), ports);
  clock.now += 30 * DAY_MS - 1;
  await ask();
  assert.deepEqual(await column('SELECT name FROM hosts ORDER BY name'), ['dolores', 'maeve', 'teddy']);
  clock.now += DAY_MS;
  await ask();
  assert.deepEqual(await column('SELECT name FROM hosts ORDER BY name'), ['dolores']);
  assert.deepEqual(await column("SELECT count(*) FROM credentials WHERE role = 'host'"), [1]);
  assert.deepEqual(await column('SELECT count(*) FROM addresses'), [1]);
});

test('a key that was rotated away is forgotten, too, and the host stays', async (t) => {
  const { ports, clock, add, column, ask, caller } = await start(t);
  const { hostKey } = await add('dolores');
  const publicKey = someKey();
  accepted(await rotate(await caller(hostKey), { publicKey, use: true }, ports));
  assert.equal((await column('SELECT public_key FROM hosts')).length, 2);
  clock.now += 31 * DAY_MS;
  await ask();
  assert.deepEqual(await column('SELECT public_key FROM hosts'), [publicKey]);
  assert.equal((await caller(hostKey)).host.publicKey, publicKey);
});

test('is done at most once a day, however many hosts come and go', async (t) => {
  const { ports, clock, add, ask } = await start(t);
  await add('dolores');
  for (let i = 0; i < 24; i++) {
    await add(`host-${i}`);
    accepted(await removeHost({ network: 'home', host: `host-${i}` }, ADMIN, ports));
    clock.now += DAY_MS / 24;
  }
  const dues = new Set<number | null>();
  for (let i = 0; i < 40 * 24; i++) {
    clock.now += DAY_MS / 24;
    dues.add((await ask()).nextDueAt);
  }
  // Two days in which they were removed, what was due before, and the audit trail of a year ago.
  assert(dues.size <= 4, [...dues].join());
});

test('a set of tags that no host has any more is forgotten, and what others have seen does not go back', async (t) => {
  const { ports, clock, add, column, ask, caller } = await start(t);
  const keys: Record<string, string> = {};
  const tag = async (name: string, tags: string[]) => {
    const path = { network: 'home', host: name };
    const { version } = accepted(await getHost(path, ports));
    accepted(await changeHost(path, { tags }, { ...ADMIN, ifVersion: version }, ports));
  };
  for (const [name, own] of [
    ['pc', 'office'],
    ['web', 'servers'],
    ['phone', 'guests'],
  ] as const) {
    keys[name] = (await add(name)).hostKey;
    await tag(name, [own]);
  }
  const { revision } = await ask();
  const rules = [{ from: ['office'], to: ['servers'] }];
  accepted(await changeNetwork('home', { rules }, { ...ADMIN, ifRevision: revision }, ports));
  accepted(await removeHost({ network: 'home', host: 'web' }, ADMIN, ports));
  const told = async (since?: Record<string, number>) =>
    Object.fromEntries(
      await Promise.all(
        ['pc', 'phone'].map(
          async (name) => [name, await listPeers(await caller(keys[name]!), since?.[name], ports)] as const,
        ),
      ),
    );
  const versions = (lists: Awaited<ReturnType<typeof told>>) =>
    Object.fromEntries(Object.entries(lists).map(([name, { version }]) => [name, version]));
  const before = versions(await told());
  const sets = () => column("SELECT tags FROM tag_versions WHERE tags <> '[]' ORDER BY tags");
  clock.now += 29 * DAY_MS;
  await ask();
  assert.deepEqual(await sets(), ['["guests"]', '["office"]', '["servers"]']);
  clock.now += 3 * DAY_MS;
  await ask();
  assert.deepEqual(await sets(), ['["guests"]', '["office"]']);
  assert.deepEqual(versions(await told()), before);
  // Who has the newest list has no news, and those who saw none of it are not even told that something went.
  assert.deepEqual(versions(await told(before)), before);
  await tag('pc', ['servers']);
  clock.now += 32 * DAY_MS;
  await ask();
  assert.deepEqual(await sets(), ['["guests"]', '["servers"]']);
});

test('many sets of tags are forgotten within what a request may ask at the edge', async (t) => {
  const { ports, clock, database, add, column } = await start(t);
  await add('dolores');
  await database
    .prepare(
      `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)
       INSERT INTO tag_versions SELECT (SELECT id FROM networks), json_array('t' || i), i FROM n`,
    )
    .run();
  await database.prepare('UPDATE networks SET next_due_at = 1').run();
  let queries = 0;
  const counted = {
    ...database,
    batch(statements: Parameters<typeof database.batch>[0]) {
      queries += statements.length;
      return database.batch(statements);
    },
  };
  accepted(await findNetwork('home', { ...ports, store: createD1Store(counted) }));
  assert.deepEqual(await column('SELECT tags FROM tag_versions'), ['[]']);
  assert(queries <= MOST_QUERIES, `${queries} queries`);
  assert.deepEqual(await column('SELECT view_version FROM hosts'), [300]);
  assert.equal((await ports.store.networkVersion(1))?.version, clock.now);
});
