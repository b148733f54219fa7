/** The registry as `peerage registry serve` runs it, on the runtime that runs the tests. */
import { globSync, readFileSync } from 'node:fs';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { execute } from './execute.ts';
import type { StartEngine } from './engine.ts';

export const startEngine: StartEngine = async ({ statements, ...options }) => {
  if (statements !== undefined) {
    const database = await runtime.openDatabase(options.databaseFile);
    await execute(database, statements);
    database.close();
  }
  return {
    ...(await startRegistry(runtime, { ...options, hostname: '127.0.0.1', port: 0 })),
    async stored() {
      // Not every SQLite empties the log into the database when it closes.
      return globSync(`${options.databaseFile}*`)
        .map((file) => readFileSync(file, 'latin1'))
        .join('\n');
    },
  };
};
