/** `peerage registry import`: hosts that are somewhere else already, into a network of the registry. */
import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import type { PublicKey } from '../keys.ts';
import { Enrolled, NetworkView, type HostView } from '../registry/wire.ts';
import { askRegistry, readLogin, type Login } from './admin.ts';
import { addExamples } from './help.ts';
import { readConfigFiles } from './import/config-files.ts';
import { readDatabase } from './import/database.ts';
import type { Found, FoundHost } from './import/found.ts';
import { listHosts, listNetworks } from './lists.ts';
import { readWgEasy } from './import/wg-easy.ts';
import type { Ports } from './ports.ts';
import { formatTable } from './table.ts';

interface ImportOptions {
  network: string;
  yes?: true;
  json?: true;
}

/** What becomes of a host that was found. */
interface Step {
  host: FoundHost;
  state: 'new' | 'there already' | 'not possible' | 'added';
  why?: string;
  /** Shown once. */
  hostKey?: string;
}

export function addImport(registry: Command, ports: Ports): void {
  const command = registry
    .command('import')
    .description('add hosts that have configurations already, with their keys and addresses')
    .argument(
      '<path>',
      'a folder with one wg-quick file of each host, NAME.conf; or what wg-easy or innernet-server keeps',
    )
    .requiredOption('--network <name>', 'into this network; made when it is missing')
    .option('--yes', 'do it, instead of showing what would be done')
    .option('--json', 'for machines')
    .action((folder: string, options: ImportOptions) => importFolder(folder, options, ports));
  addExamples(command, [
    ['peerage registry import hosts/ --network home', 'shows what would be done'],
    ['peerage registry import hosts/ --network home --yes', 'does it; again adds only what is missing'],
    ['peerage registry import /etc/wireguard/wg0.json --network home', 'from wg-easy up to version 14'],
    ['peerage registry import /etc/wireguard/wg-easy.db --network home', 'from wg-easy 15'],
    ['peerage registry import /var/lib/innernet-server/home.db --network home', 'from innernet'],
  ]);
}

async function importFolder(folder: string, { network, yes, json }: ImportOptions, ports: Ports): Promise<void> {
  const { terminal } = ports;
  const found = await readFound(folder, ports);
  const login = await readLogin(ports);
  const isThere = (await listNetworks(ports, login)).some(({ name }) => name === network);
  const planned = plan(found.hosts, isThere ? await listHosts(ports, login, network) : []);
  if (yes === true && !isThere) await addNetwork(network, found, ports, login);
  const told = json === true ? tellAsJson(network, found, ports) : tellKeys(planned, ports);
  const steps: Step[] = [];
  // One after the other: each checks its routes against those before. And each is told at once, with its key, which nobody sees again.
  for (const step of planned) {
    steps.push(yes === true && step.state === 'new' ? await add(step, network, ports, login) : step);
    told.step(steps.at(-1)!); // has just been put there
  }
  told.end();
  if (json !== true) show(steps, found, ports);
  const failed = steps.filter(({ state }) => state === 'not possible').length;
  if (yes !== true) terminal.stderr('Nothing was changed. To do it: the same with --yes\n');
  if (failed > 0) throw new UserError(`${failed} of ${steps.length} hosts cannot be imported`);
}

async function readFound(folder: string, ports: Ports): Promise<Found> {
  if (folder.endsWith('.json')) return readWgEasy((await ports.files.read(folder)) ?? '', folder);
  if (/\.(?:db|sqlite3?)$/.test(folder)) return readDatabase(folder, ports.clock.wall(), ports.services.databases.read);
  const names = (await ports.files.list(folder)).filter((name) => name.endsWith('.conf'));
  if (names.length === 0)
    throw new UserError(`there is no file NAME.conf in ${folder}`, {
      remedy: 'Name the folder with the files of the hosts.',
    });
  const files = await Promise.all(
    names.map(async (name) => ({ name, text: (await ports.files.read(`${folder}/${name}`)) ?? '' })),
  );
  const crypto = await ports.crypto();
  return readConfigFiles(files, (key) => crypto.publicKey(key) as PublicKey); // 32 bytes by the port's contract
}

function plan(found: readonly FoundHost[], present: readonly HostView[]): Step[] {
  return found.map((host) => {
    const [sameName, sameKey] = [
      present.find(({ name }) => name === host.name),
      present.find(({ publicKey }) => publicKey === host.publicKey),
    ];
    if (host.publicKey === undefined) return { host, state: 'not possible', why: 'its public key is not known' };
    if (sameName !== undefined && sameName === sameKey) return { host, state: 'there already' };
    if (sameName !== undefined) return { host, state: 'not possible', why: 'another host has this name' };
    if (sameKey !== undefined) return { host, state: 'not possible', why: `${sameKey.name} has this key` };
    const twin = found.find((other) => other !== host && other.publicKey === host.publicKey);
    if (twin !== undefined) return { host, state: 'not possible', why: `${twin.name} has the same key` };
    return { host, state: 'new' };
  });
}

async function add({ host }: Step, network: string, ports: Ports, login: Login): Promise<Step> {
  const { endpoint, listenPort, ...facts } = host;
  const body = { ...facts, ...(endpoint !== null && { endpoint }), ...(listenPort !== undefined && { listenPort }) };
  const path = `/v1/networks/${encodeURIComponent(network)}/hosts`;
  try {
    const intent = `add "${host.name}"`;
    const { hostKey } = await askRegistry(ports, login, { method: 'POST', path, body, answer: Enrolled, intent });
    return { host, state: 'added', hostKey };
  } catch (error) {
    if (error instanceof UserError) return { host, state: 'not possible', why: error.message };
    throw error;
  }
}

/** One document, of which each host is written as soon as it is known what became of it. */
function tellAsJson(network: string, { ranges, listenPort, rules, notes }: Found, { terminal }: Ports) {
  const indent = (value: unknown, by: string) => JSON.stringify(value, null, 2).replaceAll('\n', `\n${by}`);
  terminal.stdout(`${indent({ network, ranges, listenPort, rules, notes }, '').slice(0, -2)},\n  "hosts": [`);
  let separator = '';
  return {
    step(step: Step): void {
      terminal.stdout(`${separator}\n    ${indent(step, '    ')}`);
      separator = ',';
    },
    end: () => terminal.stdout(`${separator === '' ? '' : '\n  '}]\n}\n`),
  };
}

/** A table of the keys, each line as soon as the registry has acknowledged its host. */
function tellKeys(planned: readonly Step[], { terminal }: Ports) {
  const width = Math.max(4, ...planned.map(({ host }) => host.name.length)) + 2;
  let count = 0;
  return {
    step({ host, hostKey }: Step): void {
      if (hostKey === undefined) return;
      if (count++ === 0) terminal.stdout(`${'HOST'.padEnd(width)}HOST KEY\n`);
      terminal.stdout(`${host.name.padEnd(width)}${hostKey}\n`);
    },
    end(): void {
      if (count > 0) terminal.stdout('\n');
    },
  };
}

function show(steps: readonly Step[], { notes }: Found, { terminal }: Ports): void {
  const columns = ['HOST', 'WHAT', 'ADDRESSES', 'ENDPOINT', 'ROUTES'].map((title) => ({ title }));
  const rows = steps.map(({ host: { name, addresses, endpoint, routes }, state, why }) => [
    name,
    why === undefined ? state : `${state}: ${why}`,
    addresses.join(' ') || '(drawn)',
    endpoint ?? '-',
    routes.join(' ') || '-',
  ]);
  terminal.stdout(formatTable(columns, rows, terminal.columns));
  const count = (state: Step['state']): number => steps.filter((step) => step.state === state).length;
  if (count('added') > 0) terminal.stderr('Keep the keys, or let a host enrol anew: they are shown this once.\n');
  if (count('there already') > 0)
    terminal.stderr(
      `${count('there already')} of ${steps.length} were there already: their keys were shown when they were added.\n`,
    );
  for (const note of notes) terminal.stderr(`- ${note}\n`);
  terminal.stderr('Private keys stay in the files where they are: the registry gets public keys only.\n');
}

async function addNetwork(
  name: string,
  { ranges, listenPort, rules }: Found,
  ports: Ports,
  login: Login,
): Promise<void> {
  const body = {
    name,
    ...(ranges.length > 0 && { ranges }),
    ...(listenPort !== undefined && { listenPort }),
    ...(rules !== undefined && { rules }),
  };
  const intent = `make the network "${name}"`;
  await askRegistry(ports, login, { method: 'POST', path: '/v1/networks', body, answer: NetworkView, intent });
}
