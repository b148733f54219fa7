/** Databases as files: written beside and given their name at last, and looked into while nothing is written. */
import { randomUUID } from 'node:crypto';
import { link, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../../src/errors.ts';
import type { OpenDatabase } from './database.ts';
import type { Runtime } from './runtime.ts';
import { errorCode, systemError } from './system-error.ts';

const SQLITE_HEADER = 'SQLite format 3\0';
/** What SQLite keeps beside a database that is open. */
export const COMPANIONS: readonly string[] = ['-wal', '-shm'];

export type Opener = Pick<Runtime, 'openDatabase'>;

/** Gives `work` the name of a file beside `target`, of which nothing is left afterwards. */
export async function withCopy<T>(target: string, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = `${target}.${randomUUID()}.new`;
  try {
    return await work(copy);
  } catch (error) {
    throw error instanceof UserError ? error : systemError(`cannot write ${target}`, error);
  } finally {
    await Promise.all(['', '-journal', ...COMPANIONS].map((suffix) => rm(copy + suffix, { force: true })));
  }
}

export async function withDatabase<T>(
  runtime: Opener,
  file: string,
  work: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  // SQLite holds up everything else: whoever shows that it goes on gets a turn before each part.
  await setImmediate();
  const database = await runtime.openDatabase(file);
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

export async function query(database: OpenDatabase, sql: string): Promise<unknown[][]> {
  return database.prepare(sql).raw();
}

/** Never over a file that is there. */
export async function giveNewName(file: string, name: string): Promise<void> {
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
export async function keepOnDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function expectFile(file: string): Promise<string> {
  if (await exists(file)) return file;
  throw new UserError(`there is no file ${file}`, { remedy: 'Name another one.' });
}

export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw systemError(`cannot look at ${file}`, error);
  }
}

export async function isSqlite(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SQLITE_HEADER.length));
    return buffer.toString('latin1', 0, bytesRead) === SQLITE_HEADER;
  } finally {
    await handle.close();
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
