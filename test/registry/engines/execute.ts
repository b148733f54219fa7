/** SQL for a database that this version has not seen yet. */
import type { Database } from '../../../src/registry/store/database.ts';

/** Runs the statements, one after the other. */
export async function execute(database: Database, statements: readonly string[]): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one refers to what another has made
  for (const statement of statements) await database.prepare(statement).run();
}
