/** `peerage plan`: designs a network, and writes the files of its hosts. */
import { InvalidArgumentError } from 'commander';
import { formatEndpoint, parseEndpoint } from '../config/config.ts';
import { UserError } from '../errors.ts';
import { formatAddress, formatCidr, maskCidr, parseAddress, parseCidr, type Cidr, type IpFamily } from '../ip.ts';
import { planNetwork, type HostRequest, type NetworkPlan, type PlannedHost } from '../network/plan.ts';
import { HostName } from '../registry/wire.ts';
import { addExamples } from './help.ts';
import { domainName, planFiles } from './plan-files.ts';
import { parsePortOption } from './port-option.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { formatTable } from './table.ts';

interface PlanOptions {
  hosts: string[];
  suffix?: string;
  subnet: ReadonlyMap<string, Cidr[]>;
  endpoint: ReadonlyMap<string, { host: string; port?: number }>;
  ipv4?: Cidr;
  ipv6?: Cidr;
  port?: number;
  json?: true;
  out?: string;
  force?: true;
}

export const addPlan: AddCommand = (program, ports) => {
  const command = program
    .command('plan')
    .description('design a network: ranges, port, addresses')
    .requiredOption('--hosts <names>', 'names of the hosts, separated by commas', parseHosts)
    .option('--suffix <domain>', 'domain of their names inside the VPN')
    .option('--endpoint <host=address[:port]>', 'where a host is reached; repeatable', parseEndpoints, new Map())
    .option('--subnet <host=prefix,...>', 'networks behind a host; repeatable', parseSubnets, new Map())
    .option('--ipv4 <prefix>', 'IPv4 range instead of a random 10.x.y.0/24', parseRange(4))
    .option('--ipv6 <prefix>', 'IPv6 range instead of a random /64 of fd00::/8', parseRange(6))
    .option('--port <number>', 'UDP port instead of a random one', parsePortOption)
    .option('--out <folder>', 'write a wg-quick file per host, with new keys')
    .option('--force', 'overwrite files that are there')
    .option('--json', 'for machines')
    .action((options: PlanOptions) => runPlan(options, ports));
  addExamples(command, [
    ['peerage plan --hosts dolores,maeve --suffix vpn.example.net', 'show a network for two hosts'],
    [
      'peerage plan --hosts dolores,charlotte --endpoint dolores=203.0.113.54 --subnet charlotte=172.27.88.0/24 --out hosts',
      'write hosts/dolores.conf and hosts/charlotte.conf; charlotte has a network behind it',
    ],
  ]);
};

async function runPlan(options: PlanOptions, ports: Ports): Promise<void> {
  const plan = planNetwork({ ...options, hosts: hostRequests(options) }, ports.random);
  if (options.out !== undefined) await writeFiles(plan, options.out, options.force === true, ports);
  const { terminal } = ports;
  terminal.stdout(
    options.json === true ? `${JSON.stringify(toJson(plan), null, 2)}\n` : describe(plan, terminal.columns),
  );
  warnAboutUnreachable(plan, ports);
}

function hostRequests({ hosts, subnet, endpoint }: PlanOptions): HostRequest[] {
  for (const name of [...subnet.keys(), ...endpoint.keys()])
    if (!hosts.includes(name))
      throw new UserError(`"${name}" is none of the hosts: ${hosts.join(', ')}`, { exitCode: 2 });
  return hosts.map((name) => ({ name, subnets: subnet.get(name) ?? [], endpoint: endpoint.get(name) }));
}

/** Nothing is written when one of the files is there already. */
async function writeFiles(plan: NetworkPlan, folder: string, overwrite: boolean, ports: Ports): Promise<void> {
  const { files, terminal } = ports;
  const written = planFiles(plan, { random: ports.random, crypto: await ports.crypto() }).map(({ host, text }) => ({
    path: `${folder}/${host}.conf`,
    text,
  }));
  const modes = await Promise.all(written.map(({ path }) => files.mode(path)));
  const present = written.filter((_, i) => modes[i] !== undefined).map(({ path }) => path);
  if (present.length > 0 && !overwrite)
    throw new UserError(`there already is ${present.join(', ')}`, {
      remedy: 'Choose another folder, or --force: the keys in these files are lost then.',
    });
  await Promise.all(written.map(({ path, text }) => files.write(path, text, { mode: 0o600 })));
  for (const { path } of written) terminal.stderr(`wrote ${path}\n`);
}

/** The tables of a network, as a person would write them down. */
function describe(plan: NetworkPlan, width: number): string {
  const ranges = formatTable(
    [{ title: 'Network' }, { title: '' }],
    [
      ['IPv4 range', formatCidr(plan.ipv4)],
      ['IPv6 range', formatCidr(plan.ipv6)],
      ['UDP port', String(plan.port)],
    ],
    width,
  );
  const columns = ['Domain Name', 'IPv4 Address', 'IPv6 Address', 'Endpoint', 'Subnets'].map((title) => ({ title }));
  const rows = plan.hosts.map((host) => [
    domainName(plan, host),
    ...host.addresses.map(formatAddress),
    endpointText(host) ?? 'dynamic',
    host.subnets.map(formatCidr).join(', '),
  ]);
  return `${ranges}\n${formatTable(columns, rows, width)}`;
}

function toJson(plan: NetworkPlan): object {
  return {
    ipv4: formatCidr(plan.ipv4),
    ipv6: formatCidr(plan.ipv6),
    port: plan.port,
    suffix: plan.suffix ?? null,
    hosts: plan.hosts.map((host) => ({
      name: host.name,
      domainName: domainName(plan, host),
      addresses: host.addresses.map(formatCidr),
      listenPort: host.listenPort,
      endpoint: endpointText(host) ?? null,
      subnets: host.subnets.map(formatCidr),
    })),
  };
}

function warnAboutUnreachable({ hosts }: NetworkPlan, { terminal }: Ports): void {
  const unreachable = hosts.filter((host) => host.endpoint === undefined).map((host) => host.name);
  if (unreachable.length > 1)
    terminal.stderr(
      `Nobody can reach ${unreachable.join(', ')} first, so these hosts cannot talk to each other.\n` +
        '  Give all but one of them an --endpoint, or use a registry, which tells them where they are.\n',
    );
}

function endpointText({ endpoint }: PlannedHost): string | undefined {
  return endpoint && formatEndpoint(endpoint);
}

function parseHosts(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !HostName.safeParse(name).success);
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is no host name: letters, digits and "-".`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`"${twice}" is there twice.`);
  return names;
}

function parseEndpoints(text: string, earlier: PlanOptions['endpoint']): PlanOptions['endpoint'] {
  const [name = '', where = ''] = text.split(/=(.*)/, 2);
  const bare = parseAddress(where) === undefined ? parseEndpoint(`${where}:1`)?.host : where;
  const endpoint = bare === undefined ? parseEndpoint(where) : { host: bare };
  if (endpoint === undefined) throw new InvalidArgumentError('Expected HOST=ADDRESS or HOST=ADDRESS:PORT.');
  return new Map([...earlier, [name, endpoint]]);
}

/** `charlotte=172.27.88.0/24,teddy=172.27.126.0/24`; what has no name of its own belongs to the host before it. */
function parseSubnets(text: string, earlier: PlanOptions['subnet']): PlanOptions['subnet'] {
  const subnets = new Map(earlier);
  let name: string | undefined;
  for (const item of text.split(',')) {
    const [first = '', second] = item.split('=', 2);
    name = second === undefined ? name : first;
    const range = parseCidr(second ?? first);
    if (name === undefined || range === undefined) throw new InvalidArgumentError('Expected HOST=PREFIX,...');
    subnets.set(name, [...(subnets.get(name) ?? []), maskCidr(range)]);
  }
  return subnets;
}

function parseRange(family: IpFamily): (text: string) => Cidr {
  return (text) => {
    const range = parseCidr(text);
    if (range?.family !== family || !text.includes('/'))
      throw new InvalidArgumentError(`Expected an IPv${family} prefix.`);
    return maskCidr(range);
  };
}
