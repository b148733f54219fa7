/** The database on Bun: bun:sqlite. */
import { Database } from 'bun:sqlite';
import { fromSyncEngine, type SqlValue } from '../../src/registry/store/database.ts';
import { openDatabaseFile, PRAGMAS, type OpenDatabase } from '../linux/database.ts';

type Row = Record<string, unknown>;

/** Opens a database file, or makes one that only its owner can read. UserError when that cannot be. */
export function openDatabase(file: string): OpenDatabase {
  const sqlite = openDatabaseFile(file, () => {
    const opened = new Database(file, { readwrite: true, create: true });
    opened.run(PRAGMAS);
    return opened;
  });
  const statements = new Set<{ finalize(): void }>();
  const database = fromSyncEngine({
    exec: (query) => void sqlite.run(query),
    soon: setImmediate,
    prepare(query) {
      const statement = sqlite.prepare<Row, SqlValue[]>(query);
      statements.add(statement);
      return {
        reader: statement.columnNames.length > 0,
        all: (values) => statement.all(...values),
        raw: (values) => statement.values(...values),
        run: (values) => statement.run(...values),
      };
    },
  });
  return {
    ...database,
    close() {
      // Bun holds the file, and its locks, until the last statement is gone.
      for (const statement of statements) statement.finalize();
      statements.clear();
      sqlite.close();
    },
  };
}
