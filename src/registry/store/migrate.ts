/**
 * Brings a database up to date. The record of what was applied is wrangler's own table, so that `wrangler d1 migrations
 * apply` and this function agree about a database, whichever of them ran first.
 */
import { UserError } from '../../errors.ts';
import type { Database } from './database.ts';

export interface Migration {
  /** `0000_init.sql`; they apply in the order of their names. */
  readonly name: string;
  readonly sql: string;
}

const BREAKPOINT = '--> statement-breakpoint';

/** Names of what was applied. Throws a UserError for a database that these migrations do not fit. */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  const missing = await missingMigrations(database, migrations);
  for (const migration of missing) await apply(database, migration);
  return missing.map((migration) => migration.name);
}

/** What `migrate` would apply: all of them to an empty database. Throws as it does, and changes nothing. */
export async function missingMigrations(
  database: Database,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const applied = await appliedMigrations(database);
  applied.forEach((name, i) => {
    if (migrations[i]?.name !== name)
      throw new UserError(`the database has the migration ${name}, which this version of peerage does not know`, {
        remedy: 'Use the version of peerage that wrote it, or a newer one; or restore a backup.',
      });
  });
  return migrations.slice(applied.length);
}

async function appliedMigrations(database: Database): Promise<string[]> {
  const { results: tables } = await database
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'`,
    )
    .all();
  if (tables.some((table) => table.name === 'd1_migrations')) {
    const { results } = await database.prepare('SELECT name FROM d1_migrations ORDER BY name').all();
    return results.map((row) => String(row.name));
  }
  if (tables.length > 0)
    throw new UserError('the database holds tables, but no record of peerage having made them', {
      remedy: 'Name another file with --db: this one belongs to another program, or was copied only in part.',
    });
  return [];
}

/** The statements and the record of them, or none of it. */
async function apply(database: Database, { name, sql }: Migration): Promise<void> {
  const statements = sql.split(BREAKPOINT).map((statement) => database.prepare(statement.trim()));
  // The table is wrangler's, column for column.
  const record = `CREATE TABLE IF NOT EXISTS d1_migrations(
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;
  await database.prepare(record).run();
  await database.batch([...statements, database.prepare('INSERT INTO d1_migrations(name) VALUES (?)').bind(name)]);
}
