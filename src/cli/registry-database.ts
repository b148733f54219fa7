/** `peerage registry backup`, `restore` and `export`: the database of a registry on this machine, as a file. */
import type { Command } from 'commander';
import { confirm } from './admin.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import { withProgress } from './progress.ts';

interface DatabaseOptions {
  db?: string;
}

const DATABASE_OPTION = ['--db <file>', 'the database (/var/lib/peerage/registry.db for root)'] as const;

/** Where the registry of this machine keeps its database, unless it was told otherwise. */
export function defaultDatabase({ processes: { isRoot, env } }: Ports): string {
  if (isRoot) return '/var/lib/peerage/registry.db';
  return `${env['XDG_DATA_HOME'] ?? `${env['HOME'] ?? '.'}/.local/share`}/peerage/registry.db`;
}

export function addDatabaseCommands(registry: Command, ports: Ports): void {
  const backup = registry
    .command('backup')
    .description('copy the database, also while the registry serves')
    .argument('<file>', 'where to; refused when it is there')
    .option(...DATABASE_OPTION)
    .action((file: string, { db }: DatabaseOptions) => backupTo(file, db ?? defaultDatabase(ports), ports));
  addExamples(backup, [
    ['peerage registry backup registry-2026-11-22.db', 'complete, looked through, readable by you only'],
  ]);
  const restore = registry
    .command('restore')
    .description('put a backup or an export in the place of what is in the database, also while the registry serves')
    .argument('<file>', 'from `peerage registry backup`, `peerage registry export` or `wrangler d1 export`')
    .option(...DATABASE_OPTION)
    .option('--yes', 'do not ask')
    .action((file: string, { db, yes }: DatabaseOptions & { yes?: true }) =>
      restoreFrom(file, { db: db ?? defaultDatabase(ports), yes: yes === true }, ports),
    );
  addExamples(restore, [
    [
      'peerage registry restore registry-2026-11-22.db',
      'what was there is kept beside, and can be restored in its turn',
    ],
  ]);
  const toSql = registry
    .command('export')
    .description('write the whole database as SQL, to move it to D1 (Cloudflare)')
    .argument('<file>', 'where to; refused when it is there')
    .option(...DATABASE_OPTION)
    .action((file: string, { db }: DatabaseOptions) => exportTo(file, db ?? defaultDatabase(ports), ports));
  addExamples(toSql, [
    ['peerage registry export registry.sql', 'then: npx wrangler d1 execute DB --remote --file registry.sql'],
  ]);
}

async function backupTo(file: string, db: string, ports: Ports): Promise<void> {
  const copy = (): Promise<void> => ports.services.databases.backup({ from: db, to: file });
  await withProgress(ports, () => `Copying ${db}`, copy);
  ports.terminal.stderr(`${file} is a copy of ${db}.\n`);
}

async function restoreFrom(file: string, { db, yes }: { db: string; yes: boolean }, ports: Ports): Promise<void> {
  await confirm(ports, `Put ${file} in the place of what is in ${db}, and keep that beside it?`, yes);
  const restore = (): Promise<string | undefined> => ports.services.databases.restore({ from: file, to: db });
  const kept = await withProgress(ports, () => `Restoring ${db}`, restore);
  ports.terminal.stderr(`${db} is what ${file} holds.\n${kept === undefined ? '' : `The old one is ${kept}\n`}`);
}

async function exportTo(file: string, db: string, ports: Ports): Promise<void> {
  const write = (): Promise<void> => ports.services.databases.export({ from: db, to: file });
  await withProgress(ports, () => `Writing ${file}`, write);
  ports.terminal.stderr(
    `${file} has all of ${db}. Into an empty D1 database:\n  npx wrangler d1 execute DB --remote --file ${file}\n`,
  );
}
