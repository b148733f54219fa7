/** `peerage ls`: who is there. */
import type { HostView } from '../registry/wire.ts';
import { chooseNetwork, readLogin } from './admin.ts';
import { addExamples } from './help.ts';
import { listHosts } from './list-hosts.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { formatTable } from './table.ts';

interface LsOptions {
  network?: string;
  json?: true;
}

export const addLs: AddCommand = (program, ports) => {
  const command = program
    .command('ls')
    .description('list the hosts of a network')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines')
    .action((options: LsOptions) => show(options, ports));
  addExamples(command, [['peerage ls', 'every host with its addresses and where it is']]);
};

async function show({ network, json }: LsOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const hosts = await listHosts(ports, login, await chooseNetwork(ports, login, network));
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(hosts, null, 2)}\n`);
  // Most networks have no tags.
  const tagged = hosts.some(({ tags }) => tags.length > 0);
  const titles = ['HOST', 'ADDRESSES', 'ENDPOINT', 'ROUTES', ...(tagged ? ['TAGS'] : []), 'PUBLIC KEY'];
  const rows = hosts.map((host) => rowOf(host, tagged));
  terminal.stdout(
    formatTable(
      titles.map((title) => ({ title })),
      rows,
      terminal.columns,
    ),
  );
  if (hosts.length === 0) terminal.stderr('Nobody yet. Next: peerage add HOST\n');
}

function rowOf(host: HostView, tagged: boolean): string[] {
  const { name, addresses, endpoint, observedEndpoint, routes, tags, publicKey } = host;
  const where = endpoint ?? (observedEndpoint === null ? '-' : `${observedEndpoint} (seen)`);
  const listed = (texts: readonly string[]): string => (texts.length === 0 ? '-' : texts.join(' '));
  return [name, addresses.join(' '), where, listed(routes), ...(tagged ? [listed(tags)] : []), publicKey];
}
