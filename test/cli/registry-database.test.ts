/** `peerage registry backup`, `restore` and `export`, as processes, beside a registry that serves. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runtime } from '../../runtime/node/runtime.ts';
import { startRegistry } from '../../runtime/linux/serve-registry.ts';
import { peerage } from './peerage.ts';

test('a backup is made and restored while the registry serves, the latter after a yes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-database-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);
  const db = ['--db', file('r.db')];
  const registry = await startRegistry(runtime, { databaseFile: file('r.db'), hostname: '127.0.0.1', port: 0 });
  t.after(() => registry.close());
  const env = { PEERAGE_REGISTRY: registry.url, PEERAGE_ADMIN_KEY: registry.adminKey!, HOME: folder };
  assert.equal((await peerage(['network', 'add', 'home'], { env })).exitCode, 0);

  const backup = await peerage(['registry', 'backup', file('b.db'), ...db]);
  assert.deepEqual([backup.exitCode, backup.stdout], [0, ''], backup.stderr);
  const twice = await peerage(['registry', 'backup', file('b.db'), ...db]);
  assert.deepEqual([twice.exitCode, /b\.db is there already/.test(twice.stderr)], [1, true]);
  assert.equal((await peerage(['registry', 'export', file('r.sql'), ...db])).exitCode, 0);
  assert.match(await readFile(file('r.sql'), 'utf8'), /INSERT INTO "networks" .*'home'/);

  const restore = ['registry', 'restore', file('b.db'), ...db];
  assert.equal((await peerage(['network', 'add', 'work'], { env })).exitCode, 0);
  const unasked = await peerage(restore);
  assert.deepEqual([unasked.exitCode, /Say yes beforehand: --yes/.test(unasked.stderr)], [1, true]);
  const done = await peerage([...restore, '--yes']);
  assert.equal(done.exitCode, 0, done.stderr);
  const [, kept] = /^The old one is (\S+)$/m.exec(done.stderr) ?? [];
  assert((await readFile(kept!, 'latin1')).includes('work'));
  const networks = await peerage(['network', 'ls', '--json'], { env });
  assert.deepEqual([/"home"/.test(networks.stdout), /"work"/.test(networks.stdout)], [true, false], networks.stdout);
  assert.equal((await peerage(['registry', 'backup'])).exitCode, 2);
});
