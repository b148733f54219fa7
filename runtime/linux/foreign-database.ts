/** Reads a database of another program: a copy of it, so that neither its mode nor a byte of it changes. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../src/errors.ts';
import type { Row } from '../../src/cli/ports.ts';
import type { Runtime } from './runtime.ts';
import { errorCode, systemError } from './system-error.ts';

export async function readForeign(
  runtime: Pick<Runtime, 'openDatabase'>,
  file: string,
  queries: readonly string[],
): Promise<Row[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-import-')); // 0700
  try {
    const copy = join(folder, 'copy.db');
    await copyFile(file, copy).catch((error: unknown) => {
      throw systemError(`cannot read ${file}`, error);
    });
    // What a program that runs has written lately.
    await copyFile(`${file}-wal`, `${copy}-wal`).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw systemError(`cannot read ${file}-wal`, error);
    });
    return await ask(runtime, copy, queries, file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ask(
  runtime: Pick<Runtime, 'openDatabase'>,
  copy: string,
  queries: readonly string[],
  file: string,
): Promise<Row[][]> {
  try {
    const database = await runtime.openDatabase(copy);
    try {
      const answers = await Promise.all(queries.map((query) => database.prepare(query).all()));
      return answers.map(({ results }) => [...results]);
    } finally {
      database.close();
    }
  } catch (error) {
    throw new UserError(`${file} is no database that SQLite can read`, {
      remedy: 'Stop the program that writes to it, and look at the name of the file.',
      cause: error,
    });
  }
}
