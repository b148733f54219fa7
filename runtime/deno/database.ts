/** The database on Deno: node:sqlite. */
import { setImmediate } from 'node:timers';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { fromSyncEngine, type SqlValue } from '../../src/registry/store/database.ts';
import { openDatabaseFile, PRAGMAS, type OpenDatabase } from '../linux/database.ts';

/** Opens a database file, or makes one that only its owner can read. UserError when that cannot be. */
export function openDatabase(file: string): OpenDatabase {
  const sqlite = openDatabaseFile(file, () => {
    const opened = new DatabaseSync(file);
    opened.exec(PRAGMAS);
    return opened;
  });
  const database = fromSyncEngine({
    exec: (query) => sqlite.exec(query),
    soon: setImmediate,
    prepare(query) {
      const statement = sqlite.prepare(query);
      const reader = statement.columns().length > 0;
      const rows = reader ? sqlite.prepare(query) : undefined;
      rows?.setReturnArrays(true);
      return {
        reader,
        // Objects as the other engines give them: these have no prototype.
        all: (values) => statement.all(...values.map(whole)).map((row) => ({ ...row })),
        // The types know of objects only: arrays are what setReturnArrays asked for.
        raw: (values) => (rows?.all(...values.map(whole)) ?? []) as unknown as SQLOutputValue[][],
        run: (values) => ({ changes: Number(statement.run(...values.map(whole)).changes) }),
      };
    },
  });
  return { ...database, close: () => sqlite.close() };
}

/** Deno hands text out only up to its first zero byte. What could not be read again is not written. */
function whole(value: SqlValue): SqlValue {
  if (typeof value !== 'string' || !value.includes('\0')) return value;
  throw new TypeError('"values" expected text without zero bytes');
}
