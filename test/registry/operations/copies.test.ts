/** Backup, restore and export of a registry's database, on the runtime that runs this test. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { z } from '@hono/zod-openapi';
import { backupDatabase, exportDatabase } from '../../../runtime/linux/database-copies.ts';
import { restoreDatabase } from '../../../runtime/linux/database-restore.ts';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { UserError } from '../../../src/errors.ts';
import { dumpDatabase, splitStatements } from '../../../src/registry/store/dump.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { CreatedToken, Enrolled, HostList, PeerList } from '../../../src/registry/wire.ts';
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
  /** All rows, but for what tells hosts that a backup came back. */
  const unmoved = async (name: string) => {
    const database = await runtime.openDatabase(file(name));
    const queries = [
      'SELECT id, name, suffix, ranges, listen_port, created_at, rules, quarantine_seconds, silence_seconds FROM networks',
      'SELECT network_id, tags FROM tag_versions',
      "SELECT * FROM audit WHERE action <> 'registry.restore'",
      ...['hosts', 'addresses', 'tokens', 'credentials', 'requests'].map((table) => `SELECT * FROM ${table}`),
    ];
    const rows = await Promise.all(queries.map((query) => database.prepare(query).raw()));
    database.close();
    return rows;
  };
  const left = async () => (await readdir(folder)).filter((name) => name.endsWith('.new') || name.includes('.new-'));
  return { file, contents, unmoved, left };
}

/** A registry that serves, with a network and a way to add hosts. */
async function serve(t: TestContext, databaseFile: string, adminKey?: string) {
  const registry = await startRegistry(runtime, { databaseFile, hostname: '127.0.0.1', port: 0 });
  t.after(() => registry.close());
  const start = { url: registry.url, adminKey: adminKey ?? registry.adminKey };
  const headers = { authorization: `Bearer ${start.adminKey}`, 'content-type': 'application/json' };
  const post = async (path: string, body: object, as = start.adminKey): Promise<unknown> => {
    const own = { ...headers, authorization: `Bearer ${as}`, accept: 'application/json' };
    const answer = await fetch(registry.url + path, { method: 'POST', headers: own, body: JSON.stringify(body) });
    assert.equal(answer.status, 201);
    return answer.json();
  };
  const remove = async (path: string) => {
    assert.equal((await fetch(registry.url + path, { method: 'DELETE', headers })).status, 204);
  };
  if (adminKey === undefined) await post('/v1/networks', { name: 'home' });
  const addHost = (name: string) => post('/v1/networks/home/hosts', { name, publicKey: someKey() });
  const listed = async () => {
    const answer = await fetch(`${registry.url}/v1/networks/home/hosts`, { headers });
    return HostList.parse(await answer.json()).hosts.map(({ name }) => name);
  };
  return { start, post, addHost, listed, remove, close: () => registry.close() };
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
  test('all of it comes back, served or not, but for what tells hosts so, and what was there is kept', async (t) => {
    const { file, contents, unmoved, left } = await startDesk(t);
    const { start, addHost, listed, close } = await serve(t, file('r.db'));
    await addHost('before');
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    const files = { from: file('b.db'), to: file('r.db') };
    let kept: string | undefined;
    for (const isServed of [true, false]) {
      await addHost('after');
      assert.deepEqual(await listed(), ['after', 'before']);
      if (!isServed) await close();
      const old = await contents('r.db');
      kept = await restoreDatabase(runtime, files);
      assert(kept !== undefined && (await contents(kept.slice(file('').length))) === old);
      for (const name of ['r.db', kept]) assert.equal((await stat(resolve(file(''), name))).mode & 0o777, 0o600);
      if (isServed) assert.deepEqual(await listed(), ['before']);
    }
    assert.deepEqual(await unmoved('r.db'), await unmoved('b.db'));
    const { listed: listedAgain } = await serve(t, file('r.db'), start.adminKey);
    assert.deepEqual(await listedAgain(), ['before']);
    await restoreDatabase(runtime, { ...files, from: kept! });
    assert.deepEqual(await listedAgain(), ['after', 'before'], 'it is undone by what was kept');
    assert.deepEqual(await left(), []);
  });

  test('a backup of an older version comes back to a registry of this one, brought up to date', async (t) => {
    const { file, left } = await startDesk(t);
    const fixture = (name: string) => join(import.meta.dirname, '../store/fixtures', name);
    const { adminKey } = z
      .object({ adminKey: z.string() })
      .parse(JSON.parse(await readFile(fixture('0.1.0.json'), 'utf8')));
    const files = { from: fixture('0.1.0.sql'), to: file('r.db') };
    assert.equal(await restoreDatabase(runtime, files), undefined);
    const { addHost, listed } = await serve(t, file('r.db'), adminKey);
    const before = await listed();
    await addHost('after');
    await restoreDatabase(runtime, files);
    assert.deepEqual(await listed(), before);
    await addHost('after');
    assert.deepEqual(await left(), []);
  });

  test('who writes for too long is not waited for, and what only a new file can hold waits for the registry’s end', async (t) => {
    const { file, contents, left } = await startDesk(t);
    const { addHost } = await serve(t, file('r.db'));
    await addHost('teddy');
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    const other = await serve(t, file('other.db'));
    await other.addHost('maeve');
    await other.close();
    const before = await contents('r.db');
    const files = { from: file('b.db'), to: file('r.db') };
    const database = await runtime.openDatabase(file('r.db'));
    await database.prepare('BEGIN IMMEDIATE').all();
    await assert.rejects(
      restoreDatabase(runtime, files, { lockWaitMs: 50 }),
      refused(/writing to .*r\.db for 0\.05 s/),
    );
    await database.prepare('ROLLBACK').all();
    await assert.rejects(
      restoreDatabase(runtime, { ...files, from: file('other.db') }),
      refused(/in use, and .* another registry/),
    );
    assert.equal(await contents('r.db'), before);
    await database.prepare("INSERT INTO d1_migrations(name) VALUES ('9999_future.sql')").all();
    await assert.rejects(restoreDatabase(runtime, files), refused(/in use, and .* another version/));
    database.close();
    assert.deepEqual(await left(), []);
  });

  test('ephemeral hosts that could not ask meanwhile are not taken for silent ones', async (t) => {
    const { file } = await startDesk(t);
    const { addHost, listed, post } = await serve(t, file('r.db'));
    await addHost('teddy');
    const { token } = CreatedToken.parse(await post('/v1/networks/home/tokens', { ephemeral: true }));
    await post('/v1/enroll', { name: 'brief', publicKey: someKey() }, token);
    const database = await runtime.openDatabase(file('r.db'));
    await database.prepare('UPDATE hosts SET seen_at = 1 WHERE ephemeral').all();
    await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
    await database.prepare('UPDATE networks SET next_due_at = 1').all();
    database.close();
    await restoreDatabase(runtime, { from: file('b.db'), to: file('r.db') });
    await addHost('dolores');
    assert.deepEqual(await listed(), ['brief', 'dolores', 'teddy']);
  });

  for (const isThere of [true, false])
    test(`hosts that have heard of what it undoes get their list in full, also after the next change, ${isThere ? 'by new contents' : 'by a new file'}`, async (t) => {
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
      if (!isThere) await rm(file('r.db'));
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
    const database = await runtime.openDatabase(file('new.db'));
    await database.prepare('DELETE FROM audit').run();
    await copyFile(file('new.db-wal'), file('left-wal'));
    database.close();
    await rm(file('new.db'));
    await rename(file('left-wal'), file('new.db-wal'));
    await restoreDatabase(runtime, { from: file('b.db'), to: file('new.db') });
    assert.equal(await contents('new.db'), await contents('r.db'), 'a log that is left over changes nothing');
    const start = (await readFile(file('b.db'))).subarray(0, 5000);
    await writeFile(file('broken.db'), start);
    const kept = await restoreDatabase(runtime, { from: file('b.db'), to: file('broken.db') });
    assert.equal(await contents('broken.db'), await contents('r.db'));
    assert.deepEqual((await readFile(kept!)).subarray(100, 5000), start.subarray(100, 5000));
  });

  test('what is damaged, empty, newer, of another program, lacks a column or is half a copy is refused, and changes nothing', async (t) => {
    const { file, contents, left } = await startDesk(t);
    const { addHost } = await serve(t, file('r.db'));
    await addHost('teddy');
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
    await backup('narrow.db');
    await change('narrow.db', 'ALTER TABLE hosts RENAME COLUMN ephemeral TO brief');
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
      ['narrow.db', /none of peerage.*no such column/],
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
