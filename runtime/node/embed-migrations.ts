/**
 * `node runtime/node/embed-migrations.ts`: writes migrations/*.sql into a module, so that a single binary and a Worker carry
 * them too. A test compares the two.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../migrations/', import.meta.url);
export const EMBEDDED = new URL('../../src/registry/store/migrations.ts', import.meta.url);

/** The text of the module. */
export function embedMigrations(): string {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  const entries = names.sort().map((name) => {
    const sql = readFileSync(new URL(name, FOLDER), 'utf8').replaceAll('\\', '\\\\').replaceAll('`', '\\`');
    return `  {\n    name: '${name}',\n    sql: \`${sql}\`,\n  },\n`;
  });
  return `/** Written by runtime/node/embed-migrations.ts from migrations/: do not edit. */
import type { Migration } from './migrate.ts';

export const MIGRATIONS: readonly Migration[] = [
${entries.join('')}];
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(EMBEDDED, embedMigrations());
