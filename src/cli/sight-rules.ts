/** `peerage network rules`: who sees whom, as words: `office:servers`, with commas between several tags of a side. */
import { InvalidArgumentError, type Command } from 'commander';
import { sees } from '../registry/service/sight.ts';
import { NetworkView, type NetworkPatch } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, readLogin, type Login } from './admin.ts';
import { addExamples } from './help.ts';
import { listHosts } from './lists.ts';
import type { Ports } from './ports.ts';
import { formatTable } from './table.ts';

/** Of the hosts that see nobody. */
const NAMED_AT_MOST = 5;

type Rules = NonNullable<NetworkPatch['rules']>;

interface RulesOptions {
  network?: string;
  clear?: true;
  json?: true;
}

export function addRules(group: Command, ports: Ports): void {
  const command = group
    .command('rules')
    .description('show or set who sees whom, by tags')
    .argument('[rule...]', 'TAG:TAG, all rules there shall be; * for every host')
    .option('--clear', 'everybody sees everybody')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines')
    .action((texts: string[], options: RulesOptions) => showOrSet(texts.map(parseRule), options, ports));
  addExamples(command, [
    ['peerage network rules', 'show them'],
    ['peerage network rules office:servers servers:servers', 'guests see nobody'],
    ['peerage network rules --clear', 'everybody sees everybody again'],
  ]);
}

async function showOrSet(rules: Rules, { network, clear, json }: RulesOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const path = `/v1/networks/${encodeURIComponent(await chooseNetwork(ports, login, network))}`;
  let view = await askRegistry(ports, login, { method: 'GET', path, answer: NetworkView, intent: 'read the rules' });
  if (clear === true || rules.length > 0) {
    const body: NetworkPatch = { rules: clear === true ? null : rules };
    const request = { method: 'PATCH', path, body, ifMatch: `"${view.revision}"`, answer: NetworkView } as const;
    view = await askRegistry(ports, login, { ...request, intent: 'set the rules' });
    await warnOfTheLonely(ports, login, view);
  }
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(view.rules, null, 2)}\n`);
  if (view.rules === null) return terminal.stderr('Everybody sees everybody.\n');
  const rows = view.rules.map(({ from, to }) => [from.join(','), to.join(',')]);
  terminal.stdout(formatTable([{ title: 'THESE' }, { title: 'AND THESE SEE EACH OTHER' }], rows, terminal.columns));
}

/** A rule says nothing of a host without a tag: whoever forgot that has cut it off just now. */
async function warnOfTheLonely(ports: Ports, login: Login, { name, rules }: NetworkView): Promise<void> {
  if (rules === null) return;
  const hosts = await listHosts(ports, login, name);
  const tagsInUse = new Map(hosts.map(({ tags }) => [tags.join(' '), tags]));
  const lonely = hosts.filter(({ tags }) => ![...tagsInUse.values()].some((others) => sees(tags, others, rules)));
  if (lonely.length === 0) return;
  const named = lonely.slice(0, NAMED_AT_MOST).map((host) => host.name);
  const rest = lonely.length > named.length ? ` and ${lonely.length - named.length} more` : '';
  ports.terminal.stderr(
    `Warning: by these rules nobody sees ${named.join(', ')}${rest}.\n` +
      '  To give a host a tag: peerage tag HOST TAG\n',
  );
}

function parseRule(text: string): Rules[number] {
  const sides = text.split(':').map((side) => side.split(',').filter((tag) => tag !== ''));
  const [from = [], to = []] = sides;
  if (sides.length !== 2 || from.length === 0 || to.length === 0)
    throw new InvalidArgumentError(`Expected TAG:TAG, got ${text}.`);
  return { from, to };
}
