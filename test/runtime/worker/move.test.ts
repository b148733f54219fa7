/** A registry moves to D1 and back, by wrangler's own commands and its local D1. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { exportDatabase } from '../../../runtime/linux/database-copies.ts';
import { restoreDatabase } from '../../../runtime/linux/database-restore.ts';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { runtime } from '../this-runtime.ts';
import { someKey } from '../../registry/lab.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const WRANGLER = join(CHECKOUT, 'node_modules/.bin/wrangler');
const execute = promisify(execFile);

test('SQLite to D1 and back gives the same tables, rows and numbers, and nothing is left to migrate', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-d1-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);
  const env = { ...process.env, HOME: folder, CI: 'true', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' };
  const wrangler = async (...args: string[]): Promise<string> =>
    (await execute(WRANGLER, ['d1', ...args, '--local'], { cwd: folder, env })).stdout;
  // In a folder of its own: `d1 export` knows no --persist-to.
  const configuration = (await readFile(join(CHECKOUT, 'wrangler.toml'), 'utf8'))
    .replaceAll(/^main = .*$/gm, '')
    .replaceAll('"migrations"', JSON.stringify(join(CHECKOUT, 'migrations')));
  await writeFile(file('wrangler.toml'), configuration);

  await fillDatabase(file('first.db'));
  await exportDatabase(runtime, { from: file('first.db'), to: file('first.sql') });
  await wrangler('execute', 'DB', '--file', file('first.sql'));
  assert.match(await wrangler('migrations', 'list', 'DB'), /No migrations to apply/);
  await wrangler('export', 'DB', '--output', file('d1.sql'));
  await restoreDatabase(runtime, { from: file('d1.sql'), to: file('second.db') });
  await exportDatabase(runtime, { from: file('second.db'), to: file('second.sql') });
  const lines = async (name: string) => (await readFile(file(name), 'utf8')).split('\n').toSorted();
  assert.deepEqual(await lines('second.sql'), await lines('first.sql'));

  // What the guide says to do when D1 was put back by Time Travel, which is only there at Cloudflare.
  const guide = await readFile(join(CHECKOUT, 'docs/guide/operations.md'), 'utf8');
  const [, sql = ''] = /^npx wrangler d1 execute DB --remote --env production --command "([^"]*)"$/m.exec(guide) ?? [];
  const before = Date.now();
  await wrangler('execute', 'DB', '--command', sql);
  const database = await runtime.openDatabase(await onlySqlite(file('.wrangler/state/v3/d1')));
  const read = async (query: string) => (await database.prepare(query).all()).results;
  const [home = {}] = await read('SELECT version, shared_version, forgotten_version, revision FROM networks');
  const { results: tagged } = await database.prepare('SELECT DISTINCT version FROM tag_versions').all();
  const [entry] = await read('SELECT action FROM audit ORDER BY id DESC LIMIT 1');
  database.close();
  for (const version of [home['version'], home['revision']]) assert(Number(version) > before);
  const { version } = home;
  assert.deepEqual(
    { ...home, revision: 0 },
    { version, shared_version: version, forgotten_version: version, revision: 0 },
  );
  assert.deepEqual([tagged, entry], [[{ version }], { action: 'registry.restore' }]);
});

/** Where wrangler keeps the one local D1 database; miniflare has one of its own beside. */
async function onlySqlite(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const found = names.filter((name) => name.endsWith('.sqlite') && !name.endsWith('metadata.sqlite'));
  assert.equal(found.length, 1, names.join());
  return join(folder, found[0]!); // there is one
}

/** A network with hosts, one of them removed, and a token. */
async function fillDatabase(databaseFile: string): Promise<void> {
  const registry = await startRegistry(runtime, { databaseFile, hostname: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${registry.adminKey}`, 'content-type': 'application/json' };
  const ask = async (method: string, path: string, body?: object): Promise<void> => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(registry.url + path, { method, headers, ...init });
    assert(answer.ok, await answer.text());
  };
  await ask('POST', '/v1/networks', { name: 'home' });
  await ask('POST', '/v1/networks/home/tokens', { routes: ['192.0.2.0/24'] });
  for (const name of ['teddy', 'maeve', 'dolores'])
    await ask('POST', '/v1/networks/home/hosts', { name, publicKey: someKey() });
  await ask('DELETE', '/v1/networks/home/hosts/maeve');
  await registry.close();
}
