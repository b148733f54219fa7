/** Backup, restore and export of a registry's database, on the runtime that runs this test. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { backupDatabase, exportDatabase, restoreDatabase } from '../../../runtime/linux/database-copies.ts';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { UserError } from '../../../src/errors.ts';
import { dumpDatabase, splitStatements } from '../../../src/registry/store/dump.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { Enrolled, PeerList } from '../../../src/registry/wire.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { someKey } from '../lab.ts';

async function startDesk(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-copies-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);
  const contents = async (name: string) => {
    const database = await runtime.openDatabase(file(name));
    try {
      return await dumpDatabase(database);
    } finally {
      database.close();
    }
  };
  const left = async () => (await readdir(folder)).filter((name) => name.endsWith('.new') || name.includes('.new-'));
  return { file, contents, left };
}

/** A registry that serves, with a network and a way to add hosts. */
async function serve(t: TestContext, databaseFile: string, adminKey?: string) {
  const registry = await startRegistry(runtime, { databaseFile, hostname: '127.0.0.1', port: 0 });
  t.after(() => registry.close());
  const start = { url: registry.url, adminKey: adminKey ?? registry.adminKey };
  const headers = { authorization: `Bearer ${start.adminKey}`, 'content-type': 'application/json' };
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(registry.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 201);
    return answer.json();
  };
  const remove = async (path: string) => {
    assert.equal((await fetch(registry.url + path, { method: 'DELETE', headers })).status, 204);
  };
  if (adminKey === undefined) await post('/v1/networks', { name: 'home' });
  const addHost = (name: string) => post('/v1/networks/home/hosts', { name, publicKey: someKey() });
  return { start, addHost, remove, close: () => registry.close() };
}

const refused = (words: RegExp) => (error: unknown) =>
  error instanceof UserError && words.test(error.message) && error.remedy !== undefined;

describe('backup', () => {
  test('a backup made while hosts are added is whole, of one moment, and its owner’s alone', async (t) => {
    const { file, contents, left } = await startDesk(t);
    const { addHost, close } = await serve(t, file('r.db'));
    await addHost('first');
    const adding = Promise.all(Array.from({ length: 20 }, (_, i) => addHost(`host-${i}`)));
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    await adding;
    assert.equal((await stat(file('b.db'))).mode & 0o777, 0o600);
    const copy = await contents('b.db');
    const count = (pattern: RegExp) => [...copy.matchAll(pattern)].length;
    const hosts = count(/^INSERT INTO "hosts"/gm);
    assert(hosts >= 1 && copy.includes(`'first'`));
    // Each host came in one transaction with two addresses and a credential; one more of those is the administrator's.
    assert.equal(count(/^INSERT INTO "addresses"/gm), 2 * hosts);
    assert.equal(count(/^INSERT INTO "credentials"/gm), hosts + 1);
    await close();
    await backupDatabase(runtime, { from: file('r.db'), to: file('stopped.db') });
    assert.equal(await contents('stopped.db'), await contents('r.db'));
    assert.deepEqual(await left(), []);
  });

  test('nothing is written over, and a database that is not there is not made', async (t) => {
    const { file, left } = await startDesk(t);
    const { addHost } = await serve(t, file('r.db'));
    await addHost('teddy');
    await writeFile(file('b.db'), 'dear');
    await assert.rejects(backupDatabase(runtime, { from: file('r.db'), to: file('b.db') }), refused(/there already/));
    await assert.rejects(exportDatabase(runtime, { from: file('r.db'), to: file('b.db') }), refused(/there already/));
    assert.equal(await readFile(file('b.db'), 'utf8'), 'dear');
    await assert.rejects(backupDatabase(runtime, { from: file('x.db'), to: file('c.db') }), refused(/no file/));
    await assert.rejects(stat(file('x.db')), /ENOENT/);
    assert.deepEqual(await left(), []);
  });
});

describe('restore', () => {
  test('it is refused while a server has the database open, and afterwards keeps the old file', async (t) => {
    const { file, contents, left } = await startDesk(t);
    const { addHost, close } = await serve(t, file('r.db'));
    await addHost('before');
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    await addHost('after');
    const files = { from: file('b.db'), to: file('r.db') };
    await assert.rejects(restoreDatabase(runtime, files), refused(/in use/));
    await addHost('still-served');
    await close();
    const old = await contents('r.db');
    const kept = await restoreDatabase(runtime, files);
    assert.equal(await contents('r.db'), await contents('b.db'));
    assert(kept !== undefined && (await contents(kept.slice(file('').length))) === old);
    assert.equal((await stat(file('r.db'))).mode & 0o777, 0o600);
    assert.deepEqual(await left(), []);
  });

  test('hosts that have heard of what it undoes get their list in full, also after the next change', async (t) => {
    const { file } = await startDesk(t);
    const { start, addHost, remove, close } = await serve(t, file('r.db'));
    const desk = Enrolled.parse(await addHost('desk'));
    await addHost('web');
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    const peersOf = async (url: string, query: string) => {
      const headers = { authorization: `Bearer ${desk.hostKey}` };
      return PeerList.parse(await (await fetch(`${url}/v1/peers${query}`, { headers })).json());
    };
    await remove('/v1/networks/home/hosts/web');
    const { version, peers } = await peersOf(start.url, '');
    assert.deepEqual(peers, []);
    await close();
    await restoreDatabase(runtime, { from: file('b.db'), to: file('r.db') });
    const again = await serve(t, file('r.db'), start.adminKey);
    await again.addHost('late');
    const list = await peersOf(again.start.url, `?since=${version}`);
    assert.deepEqual([list.full, list.peers.map(({ name }) => name)], [true, ['late', 'web']]);
    assert.equal((await peersOf(again.start.url, `?since=${list.version}`)).full, false);
  });

  test('it may be the first file there is, and one that cannot be read gives way', async (t) => {
    const { file, contents } = await startDesk(t);
    const { addHost, close } = await serve(t, file('r.db'));
    await addHost('teddy');
    await close();
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    assert.equal(await restoreDatabase(runtime, { from: file('b.db'), to: file('new.db') }), undefined);
    assert.equal(await contents('new.db'), await contents('r.db'));
    const start = (await readFile(file('b.db'))).subarray(0, 5000);
    await writeFile(file('broken.db'), start);
    const kept = await restoreDatabase(runtime, { from: file('b.db'), to: file('broken.db') });
    assert.equal(await contents('broken.db'), await contents('r.db'));
    assert.deepEqual((await readFile(kept!)).subarray(100, 5000), start.subarray(100, 5000));
  });

  test('what is damaged, empty, newer, of another program or half a copy is refused, and changes nothing', async (t) => {
    const { file, contents, left } = await startDesk(t);
    const { addHost, close } = await serve(t, file('r.db'));
    await addHost('teddy');
    await close();
    const before = await contents('r.db');
    const backup = async (name: string) => backupDatabase(runtime, { from: file('r.db'), to: file(name) });
    const change = async (name: string, ...statements: string[]) => {
      const database = await runtime.openDatabase(file(name));
      for (const statement of [...statements, 'PRAGMA journal_mode = DELETE']) await database.prepare(statement).all();
      database.close();
    };
    await backup('newer.db');
    await change('newer.db', "INSERT INTO d1_migrations(name) VALUES ('9999_future.sql')");
    await backup('unreferred.db');
    const orphan = "INSERT INTO addresses VALUES (1, '192.0.2.1', 'nobody', NULL)";
    await change('unreferred.db', 'PRAGMA foreign_keys = OFF', orphan);
    await change('photos.db', 'CREATE TABLE photos(x)');
    await backup('damaged.db');
    const bytes = await readFile(file('damaged.db'));
    await writeFile(file('damaged.db'), bytes.fill(0x5a, 5000, bytes.length));
    await writeFile(file('nothing.db'), '');
    await writeFile(file('photo.jpg'), 'no database, and no SQL either');
    await writeFile(file('evil.sql'), "ATTACH DATABASE '/etc/passwd' AS p;");
    await backup('half.db');
    await writeFile(file('half.db-wal'), 'changes');
    for (const [name, words] of [
      ['newer.db', /9999_future/],
      ['unreferred.db', /not whole/],
      ['photos.db', /no record of peerage/],
      ['damaged.db', /damaged|malformed/],
      ['nothing.db', /empty/],
      ['photo.jpg', /no export has/],
      ['evil.sql', /no export has/],
      ['half.db', /half\.db-wal/],
      ['missing.db', /no file/],
    ] as const)
      await assert.rejects(restoreDatabase(runtime, { from: file(name), to: file('r.db') }), refused(words), name);
    assert.equal(await contents('r.db'), before);
    assert.deepEqual(await left(), []);
  });
});

describe('export', () => {
  test('as SQL and back, every row and its type is the same', async (t) => {
    const { file, contents } = await startDesk(t);
    const { addHost, close } = await serve(t, file('r.db'));
    await addHost('teddy');
    await close();
    const database = await runtime.openDatabase(file('r.db'));
    const odd = `it's; "odd"\n-- text /* with */ \`quotes\` \\ and ünïcödé 🦌`;
    await database.prepare('UPDATE audit SET target = ? WHERE id = 1').bind(odd).run();
    database.close();
    await exportDatabase(runtime, { from: file('r.db'), to: file('r.sql') });
    assert.equal((await stat(file('r.sql'))).mode & 0o777, 0o600);
    await restoreDatabase(runtime, { from: file('r.sql'), to: file('copy.db') });
    assert.equal(await contents('copy.db'), await contents('r.db'));
    const text = await readFile(file('r.sql'), 'utf8');
    assert(text.includes('ünïcödé 🦌') && MIGRATIONS.every(({ name }) => text.includes(name)));
  });

  test('statements end where a semicolon stands outside of quotes and comments', () => {
    assert.deepEqual(splitStatements(`a; b 'x;''y' "c;d";-- no; more\n/* ; */ e \`f;\`;;\n g`), [
      'a',
      `b 'x;''y' "c;d"`,
      'e `f;`',
      'g',
    ]);
  });
});
