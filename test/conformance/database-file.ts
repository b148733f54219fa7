/** What every adapter that opens database files must do, besides being a database. Run it in a few lines per adapter. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { OpenDatabase } from '../../runtime/linux/database.ts';
import { UserError } from '../../src/errors.ts';
import { databaseConformance } from './database.ts';

export function databaseFileConformance(name: string, openDatabase: (file: string) => OpenDatabase): void {
  const openInFolder = async (t: TestContext): Promise<{ database: OpenDatabase; file: string }> => {
    const folder = await mkdtemp(join(tmpdir(), 'peerage-database-'));
    const file = join(folder, 'sub', 'test.db');
    const database = openDatabase(file);
    t.after(async () => {
      database.close();
      await rm(folder, { recursive: true });
    });
    return { database, file };
  };

  databaseConformance(name, async (t) => (await openInFolder(t)).database);

  describe(`database files of ${name}`, () => {
    test('a database file is durable, waits for others, and is its owner’s alone', async (t) => {
      const { database, file } = await openInFolder(t);
      const pragma = async (name: string) => (await database.prepare(`PRAGMA ${name}`).raw())[0]?.[0];
      assert.equal(await pragma('journal_mode'), 'wal');
      assert.equal(await pragma('synchronous'), 2); // FULL
      assert.equal(await pragma('busy_timeout'), 5000);
      assert.equal(await pragma('foreign_keys'), 1);
      await database.prepare('CREATE TABLE t(a)').run();
      for (const suffix of ['', '-wal', '-shm']) assert.equal((await stat(file + suffix)).mode & 0o777, 0o600, suffix);
    });

    test('two openings of one file see each other’s writes', async (t) => {
      const { database, file } = await openInFolder(t);
      const other = openDatabase(file);
      await database.prepare('CREATE TABLE t(a)').run();
      await other.batch([other.prepare('INSERT INTO t VALUES (1)')]);
      assert.deepEqual((await database.prepare('SELECT a FROM t').all()).results, [{ a: 1 }]);
      other.close();
    });

    test('what is no database, or cannot be one, is an error that names the file', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'peerage-database-'));
      t.after(() => rm(folder, { recursive: true }));
      const photo = join(folder, 'photo.jpg');
      await writeFile(photo, 'no database, for more bytes than a header of SQLite has: '.repeat(20));
      for (const file of [photo, folder, join(photo, 'inside')])
        assert.throws(
          () => openDatabase(file),
          (error) => error instanceof UserError && error.message.includes(file) && error.remedy !== undefined,
        );
    });
  });
}
