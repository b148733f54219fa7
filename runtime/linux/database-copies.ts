/**
 * Copies of a registry's database as files: made while others read and write it, and put back in its place.
 *
 * Whatever is interrupted leaves the old file as it was: a copy is written beside, looked through, brought to the disk, and
 * only then gets its name.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../../src/errors.ts';
import { dumpDatabase, loadDump } from '../../src/registry/store/dump.ts';
import { missingMigrations } from '../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../src/registry/store/migrations.ts';
import { markRestored } from '../../src/registry/store/restored.ts';
import type { OpenDatabase } from './database.ts';
import type { Runtime } from './runtime.ts';
import { errorCode, systemError } from './system-error.ts';

const SQLITE_HEADER = 'SQLite format 3\0';
/** What SQLite keeps beside a database that is open. */
const COMPANIONS = ['-wal', '-shm'];

type Opener = Pick<Runtime, 'openDatabase'>;

/** UserError when there is a file of that name already. */
export async function backupDatabase(runtime: Opener, { from, to }: { from: string; to: string }): Promise<void> {
  await withCopy(to, async (copy) => {
    await writeFile(copy, '', { mode: 0o600, flag: 'wx' }); // SQLite fills an empty file, and leaves its mode
    await withDatabase(runtime, await expectFile(from), (database) =>
      database.prepare('VACUUM INTO ?').bind(copy).run(),
    );
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
 * Puts a copy of `from` in the place of `to`. Gives the name under which the old file is kept, if there was one. UserError for a copy
 * that is damaged, of a newer version or of another program, and while any process has `to` open.
 */
export async function restoreDatabase(
  runtime: Opener,
  { from, to }: { from: string; to: string },
): Promise<string | undefined> {
  return withCopy(to, async (copy) => {
    await read(runtime, await expectFile(from), copy);
    await keepOnDisk(copy);
    const kept = (await exists(to)) ? await putAside(runtime, to) : undefined;
    await rename(copy, to);
    await keepOnDisk(dirname(to));
    return kept;
  });
}

/** A file of SQLite or of SQL becomes a database of its own. */
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

/** Out of the way, with all that is in it. UserError while somebody has it open. */
async function putAside(runtime: Opener, file: string): Promise<string> {
  if (await isSqlite(file))
    await withDatabase(runtime, file, async (database) => {
      await query(database, 'PRAGMA busy_timeout = 0');
      // Leaving WAL takes everybody else's leave, even of those who do nothing at the moment.
      await query(database, 'PRAGMA journal_mode = DELETE');
    }).catch((error: unknown) => {
      // One that cannot be read any more is what a restore is for.
      if (!/locked|busy/i.test(reasonOf(error))) return;
      throw new UserError(`the database ${file} is in use`, { remedy: 'Stop the registry first.', cause: error });
    });
  const kept = `${file}.before-${new Date().toISOString().replaceAll(/[-:]/g, '')}`;
  await giveNewName(file, kept);
  for (const suffix of COMPANIONS) if (await exists(file + suffix)) await rename(file + suffix, kept + suffix);
  return kept;
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
