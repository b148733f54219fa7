/**
 * Copies of a registry's database as files: made while others read and write it, and put back, also while others do.
 *
 * Whatever is interrupted leaves the old contents: a copy is written beside, looked through, brought to the disk, and only then
 * gets its name, or is read into the old database in one transaction.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../../src/errors.ts';
import { dumpDatabase, loadDump } from '../../src/registry/store/dump.ts';
import { migrate, missingMigrations } from '../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../src/registry/store/migrations.ts';
import { expectTables, markRestored, replaceContents, type Obstacle } from '../../src/registry/store/restored.ts';
import type { OpenDatabase } from './database.ts';
import type { Runtime } from './runtime.ts';
import { errorCode, systemError } from './system-error.ts';

const SQLITE_HEADER = 'SQLite format 3\0';
/** What SQLite keeps beside a database that is open. */
const COMPANIONS = ['-wal', '-shm'];
/** For others who write to the database. */
const LOCK_WAIT_MS = 30_000;

type Opener = Pick<Runtime, 'openDatabase'>;

/** UserError when there is a file of that name already. */
export async function backupDatabase(runtime: Opener, { from, to }: { from: string; to: string }): Promise<void> {
  await withCopy(to, async (copy) => {
    await copyDatabase(runtime, await expectFile(from), copy);
    await withDatabase(runtime, copy, inspect);
    await keepOnDisk(copy);
    await giveNewName(copy, to);
  });
}

/** As SQL text, for wrangler. UserError when there is a file of that name already. */
export async function exportDatabase(runtime: Opener, { from, to }: { from: string; to: string }): Promise<void> {
  await withCopy(to, async (copy) => {
    const text = await withDatabase(runtime, await expectFile(from), dumpDatabase);
    await writeFile(copy, text, { mode: 0o600, flag: 'wx' });
    await keepOnDisk(copy);
    await giveNewName(copy, to);
  });
}

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
    if (!(await exists(to))) {
      await putInPlace(copy, to);
      return undefined;
    }
    const kept = `${to}.before-${new Date().toISOString().replaceAll(/[-:]/g, '')}`;
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
  let isKept = false;
  const keep = () =>
    withCopy(kept, async (beside) => {
      await copyDatabase(runtime, to, beside);
      await keepOnDisk(beside);
      await giveNewName(beside, kept);
      isKept = true;
    });
  try {
    return await withDatabase(runtime, to, async (database) => {
      await query(database, `PRAGMA busy_timeout = ${lockWaitMs}`);
      return replaceContents(database, { copy, at: Date.now(), keep });
    });
  } catch (error) {
    if (isKept) await rm(kept);
    const reason = reasonOf(error);
    if (/malformed|not a database/i.test(reason)) return 'unreadable';
    if (/locked|busy/i.test(reason))
      throw new UserError(`another program has been writing to ${to} for ${lockWaitMs / 1000} seconds`, {
        remedy: 'Nothing was changed. Try again when it has ended.',
        cause: error,
      });
    throw error;
  }
}

/** The file in the place of the other, which nobody may have open. */
async function swap(
  runtime: Opener,
  { copy, to, kept, obstacle }: Restoring & { obstacle: Obstacle | 'unreadable' },
): Promise<void> {
  await leaveAlone(runtime, to, obstacle);
  for (const suffix of COMPANIONS) if (await exists(to + suffix)) await rename(to + suffix, kept + suffix);
  await link(to, kept);
  await putInPlace(copy, to);
}

async function putInPlace(copy: string, to: string): Promise<void> {
  await keepOnDisk(copy);
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

/** Looks through the whole copy, and leaves it as one file. */
async function inspect(database: OpenDatabase): Promise<void> {
  const problems = await query(database, 'PRAGMA integrity_check').catch((error: unknown) => [[reasonOf(error)]]);
  if (problems[0]?.[0] !== 'ok')
    throw new UserError(`the database is damaged: ${String(problems[0]?.[0])}`, { remedy: 'Use an older backup.' });
  if ((await query(database, 'PRAGMA foreign_key_check')).length > 0)
    throw new UserError('the database is not whole: rows refer to others that are not there', {
      remedy: 'Use an older backup.',
    });
  const missing = await missingMigrations(database, MIGRATIONS);
  if (missing.length === MIGRATIONS.length)
    throw new UserError('the database is empty: there is no registry in it', {
      remedy: 'Look at the name of the file.',
    });
  await query(database, 'PRAGMA journal_mode = DELETE');
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
    if (!/locked|busy/i.test(reasonOf(error))) return;
    throw new UserError(`the database ${file} is in use, and ${OBSTACLES[obstacle]}`, {
      remedy: 'Stop the registry first.',
      cause: error,
    });
  });
}

/** Of one moment, as one file. */
async function copyDatabase(runtime: Opener, from: string, copy: string): Promise<void> {
  await writeFile(copy, '', { mode: 0o600, flag: 'wx' }); // SQLite fills an empty file, and leaves its mode
  await withDatabase(runtime, from, (database) => database.prepare('VACUUM INTO ?').bind(copy).run());
}

/** Gives `work` the name of a file beside `target`, of which nothing is left afterwards. */
async function withCopy<T>(target: string, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = `${target}.${randomUUID()}.new`;
  try {
    return await work(copy);
  } catch (error) {
    throw error instanceof UserError ? error : systemError(`cannot write ${target}`, error);
  } finally {
    await Promise.all(['', '-journal', ...COMPANIONS].map((suffix) => rm(copy + suffix, { force: true })));
  }
}

async function withDatabase<T>(
  runtime: Opener,
  file: string,
  work: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const database = await runtime.openDatabase(file);
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

async function query(database: OpenDatabase, sql: string): Promise<unknown[][]> {
  return database.prepare(sql).raw();
}

/** Never over a file that is there. */
async function giveNewName(file: string, name: string): Promise<void> {
  try {
    await link(file, name);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw new UserError(`${name} is there already`, {
      remedy: 'Choose another name, or remove it first.',
      cause: error,
    });
  }
  await rm(file);
  await keepOnDisk(dirname(name));
}

/** A file, or a folder with its names. */
async function keepOnDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function expectFile(file: string): Promise<string> {
  if (await exists(file)) return file;
  throw new UserError(`there is no file ${file}`, { remedy: 'Name another one.' });
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw systemError(`cannot look at ${file}`, error);
  }
}

async function isSqlite(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SQLITE_HEADER.length));
    return buffer.toString('latin1', 0, bytesRead) === SQLITE_HEADER;
  } finally {
    await handle.close();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
