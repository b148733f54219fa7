/** A database that version 0.1.0 wrote, with its data, in the hands of this version. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import { migrate } from '../../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { runtime } from '../../runtime/this-runtime.ts';

/** What 0.1.0 was released with. */
const RELEASED = MIGRATIONS.filter(({ name }) => name === '0000_init.sql');

const ROWS = [
  `INSERT INTO networks VALUES (1, 'home', 'vpn.example.net', '["10.1.2.0/24"]', 51000, 7, 1000)`,
  `INSERT INTO hosts VALUES ('h1', 1, 'teddy', 'KEY1=', '["10.1.2.3"]', '["172.27.88.0/24"]', 51000, NULL, '192.0.2.3:51000', 5, 6, 2000, NULL)`,
  `INSERT INTO hosts VALUES ('h2', 1, 'maeve', 'KEY2=', '["10.1.2.4"]', '[]', 51000, NULL, NULL, NULL, 7, 2000, 3000)`,
  `INSERT INTO addresses VALUES (1, '10.1.2.3', 'h1', NULL), (1, '10.1.2.4', 'h2', 3000)`,
  `INSERT INTO tokens VALUES ('pgt_aaaaaaaa', 'HASH', 1, 2, 'teddy', '["172.16.0.0/12"]', 1000, 9000, NULL)`,
  `INSERT INTO credentials VALUES ('pga_aaaaaaaa', 'HASHA', 'admin', NULL, 1000), ('pgh_aaaaaaaa', 'HASHH', 'host', 'h1', 2000)`,
  `INSERT INTO audit VALUES (1, 1000, 'home', 'admin:pga_aaaaaaaa', 'network.add', 'home')`,
];

test('a database of version 0.1.0 comes forward with all that is in it, and means what it meant', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-upgrade-'));
  const database = await runtime.openDatabase(join(folder, 'registry.db'));
  t.after(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });
  await migrate(database, RELEASED);
  for (const row of ROWS) await database.prepare(row).run();
  const applied = await migrate(database, MIGRATIONS);
  assert.deepEqual(applied, MIGRATIONS.map(({ name }) => name).slice(1));
  assert(applied.length > 0, 'there is something to bring forward');

  const store = createD1Store(database);
  const network = await store.findNetwork('home');
  assert.deepEqual(
    [network?.version, network?.rules, network?.quarantineSeconds, network?.hostLifetimeSeconds, network?.nextDueAt],
    [7, null, 604_800, null, null],
  );
  // Whoever knows the version of before has missed nothing.
  assert.deepEqual([network?.sharedVersion, network?.forgottenVersion], [7, 0]);
  assert.deepEqual(await store.tagVersions(1), [{ tags: [], version: 7 }]);
  const [teddy, ...others] = await store.listHosts(1);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [teddy?.name, teddy?.routes, teddy?.observedEndpoint, teddy?.tags, teddy?.ephemeral, teddy?.expiresAt],
    ['teddy', ['172.27.88.0/24'], '192.0.2.3:51000', [], false, null],
  );
  // Whoever had a route keeps it; nobody waits for one or has an exit, and one family was all that was seen.
  assert.deepEqual([teddy?.requestedRoutes, teddy?.exitHostId, teddy?.otherEndpoint], [[], null, null]);
  assert.deepEqual(
    (await store.hostsChangedSince(1, 6)).map(({ name, deletedAt }) => [name, deletedAt]),
    [['maeve', 3000]],
  );
  assert.equal((await store.findHostByCredential('pgh_aaaaaaaa'))?.host.name, 'teddy');
  assert.equal((await store.findAdmin('pga_aaaaaaaa'))?.hash, 'HASHA');
  const token = (await store.findToken('pgt_aaaaaaaa'))?.token;
  assert.deepEqual([token?.remaining, token?.hostName, token?.namePattern, token?.tags], [2, 'teddy', null, []]);
  const trail = await database.prepare('SELECT action, detail FROM audit').all();
  assert.deepEqual(trail.results, [{ action: 'network.add', detail: null }]);
  const seen = { hostId: 'h1', endpoint: '[2001:db8::3]:51000', handshakeAt: 9 };
  await store.observeEndpoints(1, [seen], 5000);
  const both = await store.findHost(1, 'teddy');
  assert.deepEqual([both?.observedEndpoint, both?.otherEndpoint], ['192.0.2.3:51000', '[2001:db8::3]:51000']);
  // From now on versions are times.
  assert.deepEqual(
    [await store.networkVersion(1), await store.tagVersions(1)],
    [{ version: 5000, forgottenVersion: 0 }, [{ tags: [], version: 5000 }]],
  );
});
