/**
 * A backup, or an export, comes back to a registry's database, also while others read and write that.
 *
 * 1. What comes back is copied, looked through and brought up to date; the given file stays as it is.
 * 2. Its rows are read into the database that is there, in one transaction; what was there is kept beside, of the same moment.
 * 3. Only where that cannot be, and nobody has the file open, the copy takes its place.
 *
 * Whatever is interrupted leaves the old contents, whole.
 */
import { constants } from 'node:fs';
import { chmod, copyFile, link, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../../src/errors.ts';
import { loadDump } from '../../src/registry/store/dump.ts';
import { migrate } from '../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../src/registry/store/migrations.ts';
import { expectTables, markRestored, replaceContents, type Obstacle } from '../../src/registry/store/restored.ts';
import type { OpenDatabase } from './database.ts';
import { copyDatabase, inspect } from './database-copies.ts';
import {
  COMPANIONS,
  exists,
  expectFile,
  giveNewName,
  isSqlite,
  keepOnDisk,
  query,
  reasonOf,
  withCopy,
  withDatabase,
  type Opener,
} from './database-files.ts';

/** For others who write to the database. */
const LOCK_WAIT_MS = 30_000;

/**
 * What is in `from` comes into the place of what is in `to`. Gives the name under which that is kept, if there was any. UserError, with nothing
 * changed, for a copy that is damaged, of a newer version or of another program, and when `to` is not free for `lockWaitMs`; and while
 * any process has `to` open, if that can only be replaced as a file: it cannot be read, or has other tables or networks.
 */
export async function restoreDatabase(
  runtime: Opener,
  { from, to }: { from: string; to: string },
  { lockWaitMs = LOCK_WAIT_MS } = {},
): Promise<string | undefined> {
  return withCopy(to, async (copy) => {
    await read(runtime, await expectFile(from), copy);
    const kept = `${to}.before-${new Date().toISOString().replaceAll(/[-:]/g, '')}`;
    if (!(await exists(to))) {
      await putInPlace({ copy, to, kept });
      return undefined;
    }
    const obstacle = await restoreInto(runtime, { copy, to, kept, lockWaitMs });
    if (obstacle !== undefined) await swap(runtime, { copy, to, kept, obstacle });
    return kept;
  });
}

interface Restoring {
  /** Looked through, and of nobody else. */
  readonly copy: string;
  readonly to: string;
  readonly kept: string;
}

/** Gives what is in the way: then nothing was changed, and the file may be replaced as a whole. */
async function restoreInto(
  runtime: Opener,
  { copy, to, kept, lockWaitMs }: Restoring & { lockWaitMs: number },
): Promise<Obstacle | 'unreadable' | undefined> {
  if (!(await isSqlite(to))) return 'unreadable';
  let [isOpen, isKept] = [false, false];
  const keep = () =>
    withCopy(kept, async (beside) => {
      await copyDatabase(runtime, to, beside);
      await keepOnDisk(beside);
      await giveNewName(beside, kept);
      isKept = true;
    });
  const work = async (database: OpenDatabase): Promise<Obstacle | undefined> => {
    isOpen = true;
    await query(database, `PRAGMA busy_timeout = ${lockWaitMs}`);
    try {
      return await replaceContents(database, { copy, at: Date.now(), keep });
    } catch (error) {
      if (isKept) await rm(kept);
      throw error;
    }
  };
  return withDatabase(runtime, to, work).catch((error: unknown) => {
    if (isLocked(error))
      throw new UserError(`another program has been writing to ${to} for ${lockWaitMs / 1000} seconds`, {
        remedy: 'Nothing was changed. Try again when it has ended.',
        cause: error,
      });
    if (isOpen && !/disk image is malformed|not a database/.test(rootOf(error))) throw error;
    return 'unreadable';
  });
}

/** The file in the place of the other, which nobody may have open. */
async function swap(
  runtime: Opener,
  { copy, to, kept, obstacle }: Restoring & { obstacle: Obstacle | 'unreadable' },
): Promise<void> {
  await leaveAlone(runtime, to, obstacle);
  await link(to, kept);
  await putInPlace({ copy, to, kept });
}

async function putInPlace({ copy, to, kept }: Restoring): Promise<void> {
  await keepOnDisk(copy);
  // What another file has left behind would be read as the latest changes of this one.
  for (const suffix of COMPANIONS) if (await exists(to + suffix)) await rename(to + suffix, kept + suffix);
  await rename(copy, to);
  await keepOnDisk(dirname(to));
}

/** A file of SQLite or of SQL becomes a database of its own, with all migrations. */
async function read(runtime: Opener, from: string, copy: string): Promise<void> {
  if ((await exists(`${from}-wal`)) && (await stat(`${from}-wal`)).size > 0)
    throw new UserError(`${from} is open, or was copied while it was: its latest changes are in ${from}-wal`, {
      remedy: `Copy it with: peerage registry backup COPY --db ${from}`,
    });
  const isDatabase = await isSqlite(from);
  const text = isDatabase ? '' : await readFile(from, 'utf8');
  if (isDatabase) {
    await copyFile(from, copy, constants.COPYFILE_EXCL);
    await chmod(copy, 0o600);
  }
  await withDatabase(runtime, copy, async (database) => {
    if (!isDatabase) await load(database, text, from);
    await inspect(database);
    await migrate(database, MIGRATIONS);
    await expectTables(database).catch((error: unknown) => {
      throw new UserError(`the database is none of peerage, or a part of one: ${reasonOf(error)}`, {
        remedy: 'Use another backup.',
        cause: error,
      });
    });
    await markRestored(database);
  });
}

async function load(database: OpenDatabase, text: string, from: string): Promise<void> {
  try {
    await loadDump(database, text);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${from} is neither a database nor an export of one: ${reasonOf(error)}`, { cause: error });
  }
}

const OBSTACLES: Readonly<Record<Obstacle | 'unreadable', string>> = {
  'other-schema': 'is of another version of peerage than this one',
  'other-registry': 'has other networks than the copy, which is of another registry',
  unreadable: 'cannot be read',
};

/** UserError while somebody has the file open. Nothing of it is left in a log beside it, if it can be read. */
async function leaveAlone(runtime: Opener, file: string, obstacle: Obstacle | 'unreadable'): Promise<void> {
  if (!(await isSqlite(file))) return;
  await withDatabase(runtime, file, async (database) => {
    await query(database, 'PRAGMA busy_timeout = 0');
    // Leaving WAL takes everybody else's leave, even of those who do nothing at the moment.
    await query(database, 'PRAGMA journal_mode = DELETE');
  }).catch((error: unknown) => {
    // One that cannot be read any more is what a restore is for.
    if (!isLocked(error)) return;
    throw new UserError(`the database ${file} is in use, and ${OBSTACLES[obstacle]}`, {
      remedy: 'Stop the registry first.',
      cause: error,
    });
  });
}

function isLocked(error: unknown): boolean {
  return /database (?:table )?is locked/.test(rootOf(error));
}

/** In SQLite's own words, without names of files. */
function rootOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : reasonOf(error);
}
