/** The database port: a file of SQLite, presented as the registry's `Database`, whichever engine the runtime has. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../src/errors.ts';
import type { Database } from '../../src/registry/store/database.ts';

export interface OpenDatabase extends Database {
  close(): void;
}

/** How long a writer waits for another process that writes to the same file. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * What each new opening runs. A power cut must not bring a spent token back: so FULL, where some engines choose NORMAL
 * under WAL.
 */
export const PRAGMAS = [
  `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`,
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  'PRAGMA foreign_keys = ON',
].join(';');

/** Makes the file with its mode before `open` sees it: the -wal and -shm files that SQLite puts beside take over the same mode. */
export function openDatabaseFile<T>(file: string, open: () => T): T {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    return open();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`cannot open the database ${file}: ${reason}`, {
      remedy: 'Name a file that you may write, or one that is not there yet: --db FILE',
      cause: error,
    });
  }
}
