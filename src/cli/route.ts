/** `peerage route`: the networks behind hosts, as an administrator lets them in. */
import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import type { HostPatch, HostView } from '../registry/wire.ts';
import { chooseNetwork, confirm, readLogin } from './admin.ts';
import { changeHost } from './admin-change.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import { listHosts } from './lists.ts';
import type { Ports } from './ports.ts';
import { formatTable } from './table.ts';

interface RouteOptions {
  network?: string;
  yes?: true;
  json?: true;
}

export const addRoute: AddCommand = (program, ports) => {
  const group = program.command('route').description('list, approve and take away the networks behind hosts');
  addExamples(group, [
    ['peerage route ls', 'what is approved, and what waits'],
    ['peerage route approve charlotte', 'all that charlotte asks for, after showing it'],
  ]);
  const ls = withNetwork(group.command('ls').description('list the networks behind hosts')).action(
    (options: RouteOptions) => list(options, ports),
  );
  addExamples(ls, [['peerage route ls', 'what is approved, and what waits']]);
  const approve = withNetwork(
    group
      .command('approve')
      .description('let in what a host asks for')
      .argument('<host>', 'as `peerage ls` shows it')
      .argument('[prefix...]', 'only these (all that it asks for, unless said)')
      .option('--yes', 'do not ask about those that are not named here'),
  ).action((host: string, prefixes: string[], options: RouteOptions) => approveRoutes(host, prefixes, options, ports));
  addExamples(approve, [
    ['peerage route approve charlotte', 'all that charlotte asks for, after showing it'],
    ['peerage route approve charlotte 172.27.88.0/24', 'only this, without a question'],
  ]);
  const rm = withNetwork(
    group
      .command('rm')
      .description('refuse what a host asks for, or take back what was approved')
      .argument('<host>', 'as `peerage ls` shows it')
      .argument('<prefix...>'),
  ).action((host: string, prefixes: string[], options: RouteOptions) => removeRoutes(host, prefixes, options, ports));
  addExamples(rm, [['peerage route rm charlotte 172.27.88.0/24', 'nobody sends to it through charlotte any more']]);
};

function withNetwork(command: Command): Command {
  return command
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines');
}

async function list({ network, json }: RouteOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const hosts = await listHosts(ports, login, await chooseNetwork(ports, login, network));
  const facts = hosts.flatMap(({ name, routes, requestedRoutes }) => [
    ...routes.map((route) => ({ host: name, route, state: 'approved' })),
    ...requestedRoutes.map((route) => ({ host: name, route, state: 'waiting' })),
  ]);
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(facts, null, 2)}\n`);
  const columns = ['HOST', 'ROUTE', 'STATE'].map((title) => ({ title }));
  const rows = facts.map(({ host, route, state }) => [host, route, state]);
  terminal.stdout(formatTable(columns, rows, terminal.columns));
  if (rows.length === 0) terminal.stderr('Nothing lies behind any host.\n');
}

async function approveRoutes(host: string, prefixes: readonly string[], options: RouteOptions, ports: Ports) {
  let said = '';
  await change(host, options, ports, `approve the routes of "${host}"`, async ({ routes, requestedRoutes }) => {
    const added = prefixes.length === 0 ? requestedRoutes : prefixes.filter((prefix) => !routes.includes(prefix));
    if (added.length === 0) throw new UserError(`"${host}" asks for nothing`, { remedy: 'See: peerage route ls' });
    // A host changes what it asks for when it likes: what was not named here is shown first, and nothing else is approved then.
    if (prefixes.length === 0)
      await confirm(ports, `Send what is for ${describeRoutes(added)} to "${host}"?`, options.yes === true);
    said = `Approved for "${host}": ${added.join(', ')}\n`;
    return { routes: [...routes, ...added] };
  });
  ports.terminal.stderr(said);
}

/** With what a prefix alone does not tell everybody. */
function describeRoutes(routes: readonly string[]): string {
  const words = routes.map((route) =>
    route.endsWith('/0') ? `${route} (an exit: all else, of those who choose it)` : route,
  );
  return words.join(', ');
}

async function removeRoutes(host: string, prefixes: readonly string[], options: RouteOptions, ports: Ports) {
  await change(host, options, ports, `take routes from "${host}"`, ({ routes, requestedRoutes }) => {
    const unknown = prefixes.find((prefix) => !routes.includes(prefix) && !requestedRoutes.includes(prefix));
    if (unknown !== undefined)
      throw new UserError(`"${host}" neither has nor asks for ${unknown}`, { remedy: 'See: peerage route ls' });
    const rest = (all: readonly string[]): string[] => all.filter((route) => !prefixes.includes(route));
    return { routes: rest(routes), requestedRoutes: rest(requestedRoutes) };
  });
  ports.terminal.stderr(`Nobody sends to it through "${host}" any more: ${prefixes.join(', ')}\n`);
}

async function change(
  host: string,
  { network, json }: RouteOptions,
  ports: Ports,
  intent: string,
  decide: (view: HostView) => HostPatch | Promise<HostPatch>,
): Promise<void> {
  const { routes, requestedRoutes } = await changeHost(ports, { host, network, intent, decide });
  if (json === true) ports.terminal.stdout(`${JSON.stringify({ host, routes, requestedRoutes }, null, 2)}\n`);
}
