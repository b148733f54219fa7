/**
 * After a backup came back. What hosts were told since the backup was made is lost, and versions are times: the first change would bring the
 * network past the versions that they know, and a difference after those would leave out all that was undone. So versions are
 * raised above all that anybody was told, and every host has its list in full once.
 *
 * Contents change in one transaction, also under a registry that serves: it sees the old or the new ones, and knows by
 * `forgottenVersion` that nothing that it remembers is good any more. A file that is put in the place of another is only
 * marked, in SQLite's own `user_version`, which is in no export; the registry that opens it first does the rest.
 */
import { is } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { UserError } from '../../errors.ts';
import type { Database, SqlValue, Statement } from './database.ts';
import { missingMigrations } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import * as schema from './schema.ts';

/** Why contents were not replaced, though the file could be: nothing was changed. */
export type Obstacle = 'other-schema' | 'other-registry';

const TABLES = Object.values(schema)
  .filter((table) => is(table, SQLiteTable))
  .map(getTableConfig);

/** Rejects with SQLite's error for a database whose tables are not those of all migrations, whatever it says of itself. */
export async function expectTables(database: Database): Promise<void> {
  await Promise.all(TABLES.map((table) => database.prepare(`${selectRows(table, 'main')} LIMIT 0`).all()));
}

export async function markRestored(database: Database): Promise<void> {
  await database.prepare('PRAGMA user_version = 1').all();
}

/** For a database with all migrations. `at`: milliseconds since 1970. */
export async function forgetWhatWasTold(database: Database, at: number): Promise<void> {
  const { results } = await database.prepare('PRAGMA user_version').all();
  if (results[0]?.['user_version'] !== 1) return;
  await database.batch([...beginAnew(database, at), database.prepare('PRAGMA user_version = 0')]);
}

/**
 * The rows of all tables become those of the database in the file `copy`, which has all migrations. Nobody else writes from before `keep` until
 * all is done, so what `keep` copies is the last there was; others read meanwhile. `at`: milliseconds since 1970. Rejects with
 * SQLite's errors; then, and when there is an obstacle, the contents are the old ones.
 */
export async function replaceContents(
  database: Database,
  { copy, at, keep }: { copy: string; at: number; keep: () => Promise<void> },
): Promise<Obstacle | undefined> {
  const run = async (sql: string, ...values: SqlValue[]) =>
    (
      await database
        .prepare(sql)
        .bind(...values)
        .all()
    ).results;
  await run('ATTACH ? AS restored', copy);
  await run('PRAGMA foreign_keys = OFF'); // looked at when all rows are there
  await run('BEGIN IMMEDIATE');
  try {
    const obstacle = await findObstacle(database, run);
    if (obstacle === undefined) {
      await keep();
      const [newest] = await run(
        'SELECT max(version) AS version FROM (SELECT version FROM main.networks UNION ALL SELECT version FROM restored.networks)',
      );
      await copyRows(run);
      for (const statement of beginAnew(database, Math.max(at, Number(newest?.['version'] ?? 0) + 1)))
        await statement.run(); // oxlint-disable-line no-await-in-loop -- in their order
      if ((await run('PRAGMA main.foreign_key_check')).length > 0)
        throw new Error('rows refer to others that are not there');
    }
    await run('COMMIT');
    return obstacle;
  } catch (error) {
    // After some errors (a full disk, for one) SQLite has done so by itself.
    await run('ROLLBACK').catch(() => {});
    throw error;
  }
}

type Run = (sql: string, ...values: SqlValue[]) => Promise<readonly Record<string, unknown>[]>;

async function findObstacle(database: Database, run: Run): Promise<Obstacle | undefined> {
  const missing = await missingMigrations(database, MIGRATIONS).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  if (missing?.length !== 0) return 'other-schema';
  // A request that is under way knows networks by their ids, which must not be those of others from one query to the next.
  const others = await run(
    'SELECT 1 FROM main.networks AS o JOIN restored.networks AS n ON n.id = o.id WHERE n.created_at <> o.created_at LIMIT 1',
  );
  return others.length > 0 ? 'other-registry' : undefined;
}

async function copyRows(run: Run): Promise<void> {
  for (const { name } of TABLES) await run(`DELETE FROM main.${name}`); // oxlint-disable-line no-await-in-loop -- one transaction
  for (const table of TABLES) {
    const names = table.columns.map(({ name }) => name).join();
    // oxlint-disable-next-line no-await-in-loop -- as above
    await run(`INSERT INTO main.${table.name} (${names}) ${selectRows(table, 'restored')}`);
  }
  // Ids that either side has given are not given again.
  await run(`UPDATE main.sqlite_sequence AS s SET seq = max(s.seq,
    coalesce((SELECT r.seq FROM restored.sqlite_sequence AS r WHERE r.name = s.name), 0))`);
}

function selectRows({ name, columns }: (typeof TABLES)[number], database: string): string {
  // With the name of the table before it, what is no column is not taken for text.
  return `SELECT ${columns.map((column) => `r.${column.name}`).join()} FROM ${database}.${name} AS r`;
}

/** Every host gets its list in full, what was read of a network is stale, and whoever could not ask meanwhile was not silent. */
function beginAnew(database: Database, at: number): Statement[] {
  // Some drivers bind every number as a real one.
  const later = (column: string): string => `${column} = cast(max(${column} + 1, ?) AS INTEGER)`;
  return [
    database.prepare(`UPDATE networks SET ${later('version')}, ${later('revision')}`).bind(at, at),
    database.prepare('UPDATE networks SET shared_version = version, forgotten_version = version'),
    database.prepare('UPDATE tag_versions SET version = (SELECT n.version FROM networks AS n WHERE n.id = network_id)'),
    database.prepare('UPDATE hosts SET seen_at = max(seen_at, ?) WHERE ephemeral AND deleted_at IS NULL').bind(at),
    database
      .prepare(
        `INSERT INTO audit (at, network, actor, action, target) VALUES (?, '', 'operator', 'registry.restore', '')`,
      )
      .bind(at),
  ];
}
