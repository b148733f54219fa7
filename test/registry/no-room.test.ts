/** A registry that finds no room to write what reading leaves behind: it answers what is read, and writes when it can. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { HostConfig, HostList, HostView, PeerList } from '../../src/registry/wire.ts';
import { runtime } from '../runtime/this-runtime.ts';
import { expectProblem, expectStatus, startLab, type Lab } from './lab.ts';

const HOSTS = '/v1/networks/home/hosts';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Makes the database refuse, in the words of a full disk, what changes these tables; gives what ends that. */
async function fill(lab: Lab): Promise<() => Promise<void>> {
  const tables = ['hosts', 'networks'];
  const run = async (statements: readonly string[]) => {
    const database = lab.edge?.database ?? (await runtime.openDatabase(lab.databaseFile));
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const statement of statements) await database.prepare(statement).run();
    if ('close' in database && typeof database.close === 'function') database.close();
  };
  const refusal = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
  await run(tables.map((table) => `CREATE TRIGGER full_${table} BEFORE UPDATE ON ${table} ${refusal}`));
  return () => run(tables.map((table) => `DROP TRIGGER full_${table}`));
}

async function start(t: TestContext) {
  const lab = await startLab(t);
  const { hostKey } = await lab.enrol(await lab.token(), { name: 'dolores' });
  const ask = (path: string, as: string | undefined = hostKey, headers = {}) => lab.ask('GET', path, { as, headers });
  const peers = async (as = hostKey) => {
    const list = expectStatus(200, await ask('/v1/peers', as)).read(PeerList);
    return list.peers.map(({ name }) => name);
  };
  const listed = async () => {
    const { hosts } = expectStatus(200, await lab.ask('GET', HOSTS)).read(HostList);
    return hosts.map(({ name }) => name);
  };
  return { lab, ask, peers, listed };
}

describe('without room to write', () => {
  test('an ephemeral host reads, is not taken for silent, and is noted as soon as there is room', async (t) => {
    const { lab, peers, listed } = await start(t);
    const teddy = await lab.enrol(await lab.token({ ephemeral: true }), { name: 'teddy' });
    assert.deepEqual(await peers(teddy.hostKey), ['dolores']);
    const empty = await fill(lab);
    for (let i = 0; i < 3; i++) {
      lab.clock.now += HOUR_MS * 0.7;
      assert.deepEqual(await peers(teddy.hostKey), ['dolores']);
      assert.deepEqual(await peers(), ['teddy']);
    }
    const lastSeen = lab.clock.now;
    lab.clock.now += HOUR_MS * 0.3;
    await empty();
    assert.deepEqual(await peers(), ['teddy']);
    const { seenAt } = expectStatus(200, await lab.ask('GET', `${HOSTS}/teddy`)).read(HostView);
    assert.equal(seenAt, new Date(lastSeen).toISOString());
    lab.clock.now += HOUR_MS;
    assert.deepEqual(await listed(), ['dolores']);
  });

  test('one that is silent goes out of sight all the same', async (t) => {
    const { lab, peers, listed } = await start(t);
    const { hostKey } = await lab.enrol(await lab.token({ ephemeral: true }), { name: 'teddy' });
    await peers(hostKey);
    const empty = await fill(lab);
    lab.clock.now += HOUR_MS;
    assert.deepEqual([await peers(), await listed()], [[], ['dolores']]);
    expectStatus(404, await lab.ask('GET', `${HOSTS}/teddy`));
    await empty();
    assert.deepEqual([await peers(), await listed()], [[], ['dolores']]);
    expectStatus(401, await lab.ask('GET', '/v1/peers', { as: hostKey }));
  });

  test('who has expired is in nobody’s view, and everybody else goes on reading', async (t) => {
    const { lab, ask, peers, listed } = await start(t);
    const { hostKey } = await lab.enrol(await lab.token({ hostLifetime: 3600 }), { name: 'teddy' });
    const before = expectStatus(200, await ask('/v1/peers'));
    const { version, peers: seen } = before.read(PeerList);
    assert.equal(seen.length, 1);
    const empty = await fill(lab);
    lab.clock.now += HOUR_MS;
    assert.deepEqual([await peers(), await listed()], [[], ['dolores', 'teddy']]);
    // Not by the version alone, which could not move.
    const again = await ask('/v1/peers', undefined, { 'if-none-match': before.headers.get('etag')! });
    assert.deepEqual(expectStatus(200, again).read(PeerList).peers, []);
    const since = expectStatus(200, await ask(`/v1/peers?since=${version}`)).read(PeerList);
    assert.deepEqual([since.full, since.peers], [true, []]);
    const config = expectStatus(200, await ask('/v1/config?format=json')).read(HostConfig);
    assert.deepEqual(config.peers, []);
    for (const path of ['/v1/networks/home', '/v1/networks/home/zone', `${HOSTS}/teddy`])
      expectStatus(200, await lab.ask('GET', path));
    expectProblem('host-expired', await ask('/v1/peers', hostKey));
    // What writes is refused as before.
    expectProblem('storage-full', expectStatus(507, await lab.ask('POST', '/v1/renew', { as: hostKey })));
    await empty();
    const after = expectStatus(200, await ask(`/v1/peers?since=${version}`)).read(PeerList);
    assert.deepEqual([after.full, after.removed, after.version > version], [false, [seen[0]?.publicKey], true]);
    lab.clock.now += 7 * DAY_MS;
    assert.deepEqual(await listed(), ['dolores']);
  });
});
