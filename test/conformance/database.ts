/**
 * What every database of the registry must do, whatever SQLite is behind it: the part of D1 that the store relies on. Run it
 * in a few lines per adapter.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Database } from '../../src/registry/store/database.ts';

/** `open` gives a new, empty database that the end of the test disposes of. */
export function databaseConformance(name: string, open: (t: TestContext) => Promise<Database>): void {
  describe(`database ${name}`, () => {
    const openWithTable = async (t: TestContext): Promise<Database> => {
      const database = await open(t);
      await database.prepare('CREATE TABLE parents(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL)').run();
      await database.prepare('CREATE TABLE children(id INTEGER, parent INTEGER REFERENCES parents(id))').run();
      return database;
    };
    const insert = (database: Database, id: number, name: string) =>
      database.prepare('INSERT INTO parents(id, name) VALUES (?, ?)').bind(id, name);
    const names = async (database: Database) =>
      (await database.prepare('SELECT name FROM parents ORDER BY id').all()).results.map((row) => row['name']);

    test('values come back as they went in', async (t) => {
      const database = await open(t);
      const values = ['text with \u0001 and €', 1.5, 2 ** 53 - 1, null] as const;
      const statement = database.prepare('SELECT ? AS a, ? AS b, ? AS c, ? AS d').bind(...values);
      assert.deepEqual(Object.values((await statement.all()).results[0]!), values);
      assert.deepEqual((await statement.raw())[0], values);
    });

    test('text with a zero byte is never cut there: it comes back whole, or is refused', async (t) => {
      const database = await open(t);
      const text = 'before\u0000after';
      const read = async () => (await database.prepare('SELECT ? AS a').bind(text).all()).results[0]!['a'];
      assert.equal(await read().catch((error) => (assert.match(String(error), /zero byte/), text)), text);
    });

    test('columns of one name stay apart in raw rows', async (t) => {
      const database = await open(t);
      assert.deepEqual(await database.prepare('SELECT 1 AS id, 2 AS id').raw(), [[1, 2]]);
    });

    test('bind leaves the statement as it was, to be bound again', async (t) => {
      const database = await open(t);
      const statement = database.prepare('SELECT ? AS value');
      const [one, two] = [statement.bind(1), statement.bind(2)];
      assert.deepEqual((await one.all()).results, [{ value: 1 }]);
      assert.deepEqual((await two.all()).results, [{ value: 2 }]);
    });

    test('a batch gives the rows of each statement in order', async (t) => {
      const database = await openWithTable(t);
      const results = await database.batch([
        insert(database, 1, 'a'),
        database.prepare("INSERT INTO parents(id, name) VALUES (2, 'b') RETURNING id, name"),
        database.prepare('SELECT count(*) AS n FROM parents'),
      ]);
      assert.deepEqual(
        results.map((result) => result.results),
        [[], [{ id: 2, name: 'b' }], [{ n: 2 }]],
      );
    });

    test('a batch that fails anywhere leaves nothing behind', async (t) => {
      const database = await openWithTable(t);
      await insert(database, 1, 'a').run();
      await assert.rejects(
        database.batch([insert(database, 2, 'b'), insert(database, 3, 'a'), insert(database, 4, 'd')]),
        /UNIQUE constraint failed: parents\.name/,
      );
      assert.deepEqual(await names(database), ['a']);
      await database.batch([insert(database, 2, 'b')]);
      assert.deepEqual(await names(database), ['a', 'b']);
    });

    test('batches at once do not mix', async (t) => {
      const database = await openWithTable(t);
      await database.prepare("INSERT INTO parents VALUES (0, 'counter')").run();
      const step = () =>
        database.batch([
          database.prepare('INSERT INTO children SELECT count(*), 0 FROM children'),
          database.prepare('SELECT count(*) AS n, max(id) + 1 AS m FROM children'),
        ]);
      const results = await Promise.all(Array.from({ length: 50 }, step));
      for (const [, { results: rows } = { results: [] }] of results) assert.equal(rows[0]!['n'], rows[0]!['m']);
    });

    test('foreign keys are enforced', async (t) => {
      const database = await openWithTable(t);
      await assert.rejects(
        async () => database.prepare('INSERT INTO children VALUES (1, 99)').run(),
        /FOREIGN KEY constraint failed/,
      );
    });
  });
}
