/** The registry as `peerage registry serve` runs it, on the runtime that runs the tests. */
import { globSync, readFileSync } from 'node:fs';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import type { StartEngine } from './engine.ts';

export const startEngine: StartEngine = async (options) => ({
  ...(await startRegistry(runtime, { ...options, hostname: '127.0.0.1', port: 0 })),
  async stored() {
    // Not every SQLite empties the log into the database when it closes.
    return globSync(`${options.databaseFile}*`)
      .map((file) => readFileSync(file, 'latin1'))
      .join('\n');
  },
});
