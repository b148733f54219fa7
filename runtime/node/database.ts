/** The database on Node: better-sqlite3. */
import SqliteDatabase from 'better-sqlite3';
import { fromSyncEngine } from '../../src/registry/store/database.ts';
import { openDatabaseFile, PRAGMAS, type OpenDatabase } from '../linux/database.ts';

/** Opens a database file, or makes one that only its owner can read. UserError when that cannot be. */
export function openDatabase(file: string): OpenDatabase {
  const sqlite = openDatabaseFile(file, () => {
    const opened = new SqliteDatabase(file);
    opened.exec(PRAGMAS);
    return opened;
  });
  const database = fromSyncEngine({
    exec: (query) => void sqlite.exec(query),
    soon: setImmediate,
    prepare(query) {
      const statement = sqlite.prepare<unknown[], Record<string, unknown>>(query);
      const rows = statement.reader ? sqlite.prepare<unknown[], unknown[]>(query).raw() : undefined;
      return {
        reader: statement.reader,
        all: (values) => statement.all(...values),
        raw: (values) => rows?.all(...values) ?? [],
        run: (values) => statement.run(...values),
      };
    },
  });
  return { ...database, close: () => sqlite.close() };
}
