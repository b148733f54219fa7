/** `peerage ls`: who is there. */
import type { HostView } from '../registry/wire.ts';
import { chooseNetwork, readLogin } from './admin.ts';
import { addExamples } from './help.ts';
import { listHosts } from './lists.ts';
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
  addExamples(command, [
    ['peerage ls', 'every host with its addresses and where it is; its public key where the terminal is wide enough'],
    ['peerage ls --json', 'all that the registry knows of each'],
  ]);
};

async function show({ network, json }: LsOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const hosts = await listHosts(ports, login, await chooseNetwork(ports, login, network));
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(hosts, null, 2)}\n`);
  // Most networks have no tags.
  const tagged = hosts.some(({ tags }) => tags.length > 0);
  const exits = hosts.some((host) => describeExit(host) !== undefined);
  const optional = [...(exits ? ['EXIT'] : []), ...(tagged ? ['TAGS'] : [])];
  const titles = ['HOST', 'ADDRESSES', 'ENDPOINT', 'ROUTES', ...optional, 'PUBLIC KEY'];
  const rows = hosts.map((host) => rowOf(host, { tagged, exits }));
  terminal.stdout(
    formatTable(
      titles.map((title) => ({ title, isExtra: title === 'PUBLIC KEY' })),
      rows,
      terminal.columns,
    ),
  );
  const waiting = hosts.filter(({ requestedRoutes }) => requestedRoutes.length > 0).map(({ name }) => name);
  if (waiting.length > 0)
    terminal.stderr(`Routes wait for your word: peerage route approve ${waiting.length === 1 ? waiting[0] : 'HOST'}\n`);
  if (hosts.length === 0) terminal.stderr('Nobody yet. Next: peerage add HOST\n');
}

function rowOf(host: HostView, { tagged, exits }: { tagged: boolean; exits: boolean }): string[] {
  const { name, addresses, endpoint, observedEndpoint, otherEndpoint, requestedRoutes, tags, publicKey } = host;
  const seen = [observedEndpoint, otherEndpoint].flatMap((text) => text ?? []);
  const where = endpoint ?? (seen.length === 0 ? '-' : `${seen.join(' ')} (seen)`);
  const routes = [...host.routes, ...requestedRoutes.map((route) => `${route} (waits)`)];
  const listed = (texts: readonly string[]): string => (texts.length === 0 ? '-' : texts.join(' '));
  const optional = [...(exits ? [describeExit(host) ?? '-'] : []), ...(tagged ? [listed(tags)] : [])];
  return [name, addresses.join(' '), where, listed(routes), ...optional, publicKey];
}

/** Undefined when none is chosen. Of one that is gone an older registry knew no name. */
function describeExit({ exit, exitClosed = [] }: HostView): string | undefined {
  if (exitClosed.length === 0) return exit ?? undefined;
  return `${exit ?? '(gone)'} (${exitClosed.join(' ')} closed)`;
}
