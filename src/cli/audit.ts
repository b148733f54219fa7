/** `peerage audit`: who changed what, and when. */
import { InvalidArgumentError } from 'commander';
import type { AuditEntry } from '../registry/wire-audit.ts';
import { readLogin } from './admin.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import { listAudit } from './lists.ts';
import type { Ports } from './ports.ts';
import { formatTable } from './table.ts';

interface AuditOptions {
  network?: string;
  actor?: string;
  action?: string;
  target?: string;
  before?: number;
  limit?: number;
  json?: true;
}

const PAGE = 100;

export const addAudit: AddCommand = (program, ports) => {
  const command = program
    .command('audit')
    .description('show who changed what at the registry, newest first')
    .option('--network <name>', 'only in this network')
    .option('--actor <who>', 'only by admin:ID, token:ID or host:NAME, as the table shows it')
    .option('--action <what>', 'only this: host.enrol, host.remove, token.add ...')
    .option('--target <name>', 'only what happened to this host, network or token')
    .option('--limit <number>', 'so many entries (100)', parseCount)
    .option('--before <id>', 'only older ones than the entry of this id', parseCount)
    .option('--json', 'for machines: "entries", and "next" to pass on as --before')
    .action((options: AuditOptions) => showAudit(options, ports));
  addExamples(command, [
    ['peerage audit', 'the last hundred changes'],
    ['peerage audit --target teddy', 'what happened to one host'],
  ]);
};

async function showAudit({ json, limit = PAGE, ...filter }: AuditOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const list = await listAudit(ports, login, { ...filter, limit });
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(list, null, 2)}\n`);
  const columns = ['WHEN', 'NETWORK', 'WHO', 'DID', 'TO', 'DETAIL'].map((title) => ({ title }));
  terminal.stdout(formatTable(columns, list.entries.map(rowOf), terminal.columns));
  if (list.next !== null) terminal.stderr(`Older ones: peerage audit --before ${list.next}\n`);
}

function rowOf({ at, network, actor, action, target, detail }: AuditEntry): string[] {
  const when = at.replace(/\.\d+Z$/, 'Z');
  return [when, network ?? '-', actor, action, target, detail === null ? '-' : JSON.stringify(detail)];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,15}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('Expected a whole number above 0.');
}
