/** `peerage network`: the networks of a registry. */
import type { Command } from 'commander';
import { NetworkView, type NewNetwork } from '../registry/wire.ts';
import { askRegistry, confirm, readLogin } from './admin.ts';
import { addExamples } from './help.ts';
import { listNetworks } from './lists.ts';
import { addSet } from './network-settings.ts';
import { addRules } from './sight-rules.ts';
import { parsePortOption } from './port-option.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { formatTable } from './table.ts';

interface AddOptions {
  suffix?: string;
  range?: string[];
  port?: number;
  json?: true;
}

const COLUMNS = [
  { title: 'NETWORK' },
  { title: 'SUFFIX' },
  { title: 'RANGES' },
  { title: 'PORT', align: 'right' },
] as const;

export const addNetwork: AddCommand = (program, ports) => {
  const group = program.command('network').description('make, list, change and remove networks');
  addExamples(group, [
    ['peerage network add home', 'make a network'],
    ['peerage network ls', 'show the networks'],
  ]);
  addExamples(addAdd(group, ports), [
    ['peerage network add home', 'with addresses and a port of its choosing'],
    ['peerage network add work --suffix vpn.example.net --range 10.195.171.0/24 --port 55867', 'with yours'],
  ]);
  const ls = group
    .command('ls')
    .description('list the networks')
    .option('--json', 'for machines')
    .action((options: { json?: true }) => list(options, ports));
  addExamples(ls, [['peerage network ls', 'all networks of the registry']]);
  addSet(group, ports);
  addRules(group, ports);
  const rm = group
    .command('rm')
    .description('remove a network that has no hosts any more')
    .argument('<name>')
    .option('--yes', 'do not ask')
    .action((name: string, options: { yes?: true }) => remove(name, options, ports));
  addExamples(rm, [['peerage network rm work', 'after asking']]);
};

function addAdd(group: Command, ports: Ports): Command {
  return group
    .command('add')
    .description('make a network')
    .argument('<name>', 'lower-case letters, digits and hyphens')
    .option('--suffix <domain>', 'domain of the hosts (NAME.internal, unless said)')
    .option('--range <cidr...>', 'ranges of addresses instead of a random IPv4 /24 and IPv6 /64')
    .option('--port <number>', 'UDP port of the hosts instead of a random one', parsePortOption)
    .option('--json', 'for machines')
    .action((name: string, options: AddOptions) => add(name, options, ports));
}

async function add(name: string, { suffix, range, port, json }: AddOptions, ports: Ports): Promise<void> {
  const body: NewNetwork = {
    name,
    ...(suffix !== undefined && { suffix }),
    ...(range !== undefined && { ranges: range }),
    ...(port !== undefined && { listenPort: port }),
  };
  const login = await readLogin(ports);
  const intent = `make the network "${name}"`;
  const request = { method: 'POST', path: '/v1/networks', body, answer: NetworkView, intent } as const;
  const network = await askRegistry(ports, login, request);
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(network, null, 2)}\n`);
  terminal.stdout(formatTable(COLUMNS, [rowOf(network)], terminal.columns));
  terminal.stderr('Next: peerage add HOST\n');
}

async function list({ json }: { json?: true }, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const networks = await listNetworks(ports, login);
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(networks, null, 2)}\n`);
  terminal.stdout(formatTable(COLUMNS, networks.map(rowOf), terminal.columns));
}

async function remove(name: string, { yes }: { yes?: true }, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  await confirm(ports, `Remove the network "${name}"?`, yes === true);
  const path = `/v1/networks/${encodeURIComponent(name)}`;
  await askRegistry(ports, login, { method: 'DELETE', path, intent: `remove the network "${name}"` });
  ports.terminal.stderr(`The network "${name}" is gone.\n`);
}

function rowOf({ name, suffix, ranges, listenPort }: NetworkView): string[] {
  return [name, suffix, ranges.join(' '), String(listenPort)];
}
