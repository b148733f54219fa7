/** The database on Node: a file of better-sqlite3, presented as the registry's `Database`. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { UserError } from '../../src/errors.ts';
import { fromSyncEngine, type Database } from '../../src/registry/store/database.ts';

/** How long a writer waits for another process that writes to the same file. */
const BUSY_TIMEOUT_MS = 5_000;

export interface OpenDatabase extends Database {
  close(): void;
}

/** Opens a database file, or makes one that only its owner can read. UserError when that cannot be. */
export function openDatabase(file: string): OpenDatabase {
  const sqlite = openFile(file);
  const database = fromSyncEngine({
    exec: (query) => void sqlite.exec(query),
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

function openFile(file: string): SqliteDatabase.Database {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Made with its mode before SQLite sees it: the -wal and -shm files beside it take over the same mode.
    closeSync(openSync(file, 'a', 0o600));
    const sqlite = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
    sqlite.pragma('journal_mode = WAL');
    // better-sqlite3 lowers this to NORMAL under WAL, where a power cut could bring a spent token back.
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma('foreign_keys = ON');
    return sqlite;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`cannot open the database ${file}: ${reason}`, {
      remedy: 'Name a file that you may write, or one that is not there yet: --db FILE',
      cause: error,
    });
  }
}
