/** What is left in the tables of what is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addHost } from '../../../src/registry/service/enrol.ts';
import { leave, removeHost } from '../../../src/registry/service/hosts.ts';
import { findNetwork } from '../../../src/registry/service/networks.ts';
import { rotate } from '../../../src/registry/service/rotation.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from './service-lab.ts';

const DAY_MS = 86_400_000;

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
