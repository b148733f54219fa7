/** Migrations: applied once and wholly, the same record as wrangler's, and no guessing about unknown databases. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { runtime } from '../../runtime/this-runtime.ts';
import { EMBEDDED, embedMigrations } from '../../../runtime/node/embed-migrations.ts';
import { UserError } from '../../../src/errors.ts';
import type { Database } from '../../../src/registry/store/database.ts';
import { migrate } from '../../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';

const FIRST = { name: '0000_first.sql', sql: 'CREATE TABLE a(x);\n--> statement-breakpoint\nCREATE TABLE b(x);' };
const SECOND = { name: '0001_second.sql', sql: 'CREATE TABLE c(x);' };

async function open(t: TestContext): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-migrate-'));
  const database = await runtime.openDatabase(join(folder, 'test.db'));
  t.after(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });
  return database;
}

async function tables(database: Database): Promise<string[]> {
  const { results } = await database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").all();
  return results.map((row) => String(row['name'])).filter((name) => !name.startsWith('sqlite_'));
}

describe('migrations', () => {
  test('each applies once, in order', async (t) => {
    const database = await open(t);
    assert.deepEqual(await migrate(database, [FIRST]), [FIRST.name]);
    assert.deepEqual(await migrate(database, [FIRST, SECOND]), [SECOND.name]);
    assert.deepEqual(await migrate(database, [FIRST, SECOND]), []);
    assert.deepEqual(await tables(database), ['a', 'b', 'c', 'd1_migrations']);
  });

  test('one that fails halfway leaves nothing, and can be tried again', async (t) => {
    const database = await open(t);
    const broken = { name: FIRST.name, sql: `${FIRST.sql}\n--> statement-breakpoint\nCREATE TABLE a(x);` };
    await assert.rejects(migrate(database, [broken]), /table a already exists/);
    assert.deepEqual(await tables(database), ['d1_migrations']);
    assert.deepEqual(await migrate(database, [FIRST]), [FIRST.name]);
  });

  test('what wrangler has applied is not applied again', async (t) => {
    const database = await open(t);
    // As `wrangler d1 migrations apply` makes its table.
    await database
      .prepare(
        'CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
      )
      .run();
    await database.prepare('INSERT INTO d1_migrations(name) VALUES (?)').bind(FIRST.name).run();
    assert.deepEqual(await migrate(database, [FIRST, SECOND]), [SECOND.name]);
  });

  test('a database of a newer version is refused', async (t) => {
    const database = await open(t);
    await migrate(database, [FIRST, SECOND]);
    await assert.rejects(
      migrate(database, [FIRST]),
      (error) => error instanceof UserError && /0001_second\.sql/.test(error.message) && error.remedy !== undefined,
    );
  });

  test('a database with a gap in its record is refused', async (t) => {
    const database = await open(t);
    await migrate(database, [SECOND]);
    await assert.rejects(migrate(database, [FIRST, SECOND]), UserError);
    assert.deepEqual(await tables(database), ['c', 'd1_migrations']);
  });

  test('a database of another program is refused', async (t) => {
    const database = await open(t);
    await database.prepare('CREATE TABLE photos(x)').run();
    await assert.rejects(migrate(database, [FIRST]), UserError);
    assert.deepEqual(await tables(database), ['photos']);
  });

  test('the embedded migrations are those of the folder, and none rebuilds a table', () => {
    assert.equal(readFileSync(EMBEDDED, 'utf8'), embedMigrations());
    const folder = new URL('../../../migrations/', import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.sql'));
    assert.deepEqual(
      MIGRATIONS.map(({ name }) => name),
      files.toSorted(),
    );
    for (const { name, sql } of MIGRATIONS) {
      assert.equal(sql, readFileSync(new URL(name, folder), 'utf8'));
      // A rebuild inside a transaction loses the rows that refer to the table.
      assert.doesNotMatch(sql, /__new_|ON DELETE CASCADE/i);
    }
  });
});
