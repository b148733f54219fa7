/** `peerage network rules`: who sees whom, as words: `office:servers`, with commas between several tags of a side. */
import { InvalidArgumentError, type Command } from 'commander';
import { UserError } from '../errors.ts';
import { sees } from '../registry/service/sight.ts';
import type { HostView, NetworkPatch } from '../registry/wire.ts';
import { changeNetwork } from './admin-change.ts';
import { askWhether } from './admin.ts';
import { addExamples } from './help.ts';
import { listHosts } from './lists.ts';
import type { Ports } from './ports.ts';
import { formatTable } from './table.ts';

/** Of the hosts that see nobody. */
const NAMED_AT_MOST = 5;
const HOW_TO_TAG = 'To give a host a tag: peerage tag HOST TAG';

type Rules = NonNullable<NetworkPatch['rules']>;

interface RulesOptions {
  network?: string;
  clear?: true;
  yes?: true;
  json?: true;
}

export function addRules(group: Command, ports: Ports): void {
  const command = group
    .command('rules')
    .description('show or set who sees whom, by tags')
    .argument('[rule...]', 'TAG:TAG, all rules there shall be; * for every host')
    .option('--clear', 'everybody sees everybody')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--yes', 'do not ask about hosts that nobody would see any more')
    .option('--json', 'for machines')
    .action((texts: string[], options: RulesOptions) => showOrSet(texts.map(parseRule), options, ports));
  addExamples(command, [
    ['peerage network rules', 'show them'],
    ['peerage network rules office:servers servers:servers', 'guests see nobody'],
    ['peerage network rules --clear', 'everybody sees everybody again'],
  ]);
}

async function showOrSet(rules: Rules, { network, clear, yes, json }: RulesOptions, ports: Ports): Promise<void> {
  const isSet = clear === true || rules.length > 0;
  let warning = '';
  const view = await changeNetwork(ports, {
    network,
    intent: isSet ? 'set the rules' : 'read the rules',
    async decide(present, login) {
      if (!isSet) return undefined;
      if (clear === true) return { rules: null };
      const hosts = await listHosts(ports, login, present.name);
      warning = await askAboutTheLonely(ports, { hosts, before: present.rules, after: rules, yes: yes === true });
      return { rules };
    },
  });
  const { terminal } = ports;
  if (warning !== '') terminal.stderr(warning);
  if (json === true) return terminal.stdout(`${JSON.stringify(view.rules, null, 2)}\n`);
  if (view.rules === null) return terminal.stderr('Everybody sees everybody.\n');
  const rows = view.rules.map(({ from, to }) => [from.join(','), to.join(',')]);
  terminal.stdout(formatTable([{ title: 'THESE' }, { title: 'AND THESE SEE EACH OTHER' }], rows, terminal.columns));
}

/**
 * A rule says nothing of a host without a tag: whoever forgets that cuts it off. Who sits at a terminal is asked before that;
 * resolves to what has still to be said afterwards.
 */
async function askAboutTheLonely(
  ports: Ports,
  { hosts, before, after, yes }: { hosts: readonly HostView[]; before: Rules | null; after: Rules; yes: boolean },
): Promise<string> {
  const lonely = findLonely(hosts, after);
  if (lonely.length === 0) return '';
  const finding = `by these rules nobody sees ${nameSome(lonely)}.`;
  const wereLonely = before === null ? [] : findLonely(hosts, before);
  const isAsked = !yes && lonely.some((host) => !wereLonely.includes(host));
  const answer = isAsked ? await askWhether(ports, `B${finding.slice(1)} Set them?`) : undefined;
  if (answer === false) throw new UserError('nothing was changed', { remedy: HOW_TO_TAG });
  return answer === true ? '' : `Warning: ${finding}\n  ${HOW_TO_TAG}\n`;
}

/** Those that nobody sees. */
function findLonely(hosts: readonly HostView[], rules: Rules): HostView[] {
  const tagsInUse = new Map(hosts.map(({ tags }) => [tags.join(' '), tags]));
  return hosts.filter(({ tags }) => ![...tagsInUse.values()].some((others) => sees(tags, others, rules)));
}

function nameSome(hosts: readonly HostView[]): string {
  const named = hosts.slice(0, NAMED_AT_MOST).map((host) => host.name);
  return `${named.join(', ')}${hosts.length > named.length ? ` and ${hosts.length - named.length} more` : ''}`;
}

function parseRule(text: string): Rules[number] {
  const sides = text.split(':').map((side) => side.split(',').filter((tag) => tag !== ''));
  const [from = [], to = []] = sides;
  if (sides.length !== 2 || from.length === 0 || to.length === 0)
    throw new InvalidArgumentError(`Expected TAG:TAG, got ${text}.`);
  return { from, to };
}
