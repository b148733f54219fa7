/** `peerage registry admin-key`: one more administrator, for a registry that only its database can be asked through. */
import { sha256 } from '../library/surroundings.ts';
import { issueCredential } from '../registry/service/credentials.ts';
import type { Command } from 'commander';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';

export function addAdminKey(registry: Command, ports: Ports): void {
  const command = registry
    .command('admin-key')
    .description('make an admin key, and what lets it in: for a registry at the edge, or when the key was lost')
    .option('--json', 'for machines: "adminKey", "sql" and "hash"')
    .action((options: { json?: true }) => printAdminKey(options, ports));
  addExamples(command, [
    ['peerage registry admin-key', 'prints the key, and what to type to let it in'],
    ['peerage registry admin-key --json | jq -r .sql', 'for scripts'],
  ]);
}

async function printAdminKey({ json }: { json?: true }, { terminal, random, clock }: Ports): Promise<void> {
  const { text: adminKey, record } = await issueCredential('admin', { random, sha256 });
  const at = clock.wall();
  const sql =
    `INSERT INTO credentials (id, hash, role, created_at) VALUES ('${record.id}', '${record.hash}', 'admin', ${at}); ` +
    `INSERT INTO audit (at, network, actor, action, target) VALUES (${at}, '', 'operator', 'admin.add', '${record.id}')`;
  if (json === true) return terminal.stdout(`${JSON.stringify({ adminKey, sql, hash: record.hash })}\n`);
  terminal.stdout(`Admin key: ${adminKey}\n`);
  terminal.stderr(
    `Keep it: it is shown this once, and good when one of these lines was run:\n` +
      `  sqlite3 registry.db "${sql}"\n` +
      `  npx wrangler d1 execute DB --remote --command "${sql}"\n` +
      `  echo ${record.hash} | npx wrangler secret put ADMIN_KEY_HASH\n`,
  );
}
