/**
 * After a backup came back. What hosts were told since the backup was made is lost, and versions are times: the first change would bring the
 * network past the versions that they know, and a difference after those would leave out all that was undone. So a database that is
 * put back is marked, in SQLite's own `user_version`, which is in no export; and the registry that opens it first lets every host
 * have its list in full.
 */
import type { Database } from './database.ts';

export async function markRestored(database: Database): Promise<void> {
  await database.prepare('PRAGMA user_version = 1').all();
}

/** For a database with all migrations. `at`: milliseconds since 1970. */
export async function forgetWhatWasTold(database: Database, at: number): Promise<void> {
  const { results } = await database.prepare('PRAGMA user_version').all();
  if (results[0]?.['user_version'] !== 1) return;
  await database.batch([
    database.prepare('UPDATE networks SET version = cast(max(version + 1, ?) AS INTEGER)').bind(at),
    database.prepare('UPDATE networks SET shared_version = version, forgotten_version = version'),
    database.prepare('UPDATE tag_versions SET version = (SELECT n.version FROM networks AS n WHERE n.id = network_id)'),
    database.prepare('PRAGMA user_version = 0'),
  ]);
}
