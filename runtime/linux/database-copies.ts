/**
 * Copies of a registry's database as files, made while others read and write it.
 *
 * Whatever is interrupted leaves nothing by that name: a copy is written beside, looked through, brought to the disk, and only then gets its name.
 */
import { writeFile } from 'node:fs/promises';
import { UserError } from '../../src/errors.ts';
import { dumpDatabase } from '../../src/registry/store/dump.ts';
import { missingMigrations } from '../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../src/registry/store/migrations.ts';
import type { OpenDatabase } from './database.ts';
import {
  expectFile,
  giveNewName,
  keepOnDisk,
  query,
  reasonOf,
  withCopy,
  withDatabase,
  type Opener,
} from './database-files.ts';

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

/** Of one moment, as one file. */
export async function copyDatabase(runtime: Opener, from: string, copy: string): Promise<void> {
  await writeFile(copy, '', { mode: 0o600, flag: 'wx' }); // SQLite fills an empty file, and leaves its mode
  await withDatabase(runtime, from, (database) => database.prepare('VACUUM INTO ?').bind(copy).run());
}

/** Looks through the whole copy, and leaves it as one file. */
export async function inspect(database: OpenDatabase): Promise<void> {
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
