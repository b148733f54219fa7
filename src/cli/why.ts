/** `peerage why A B`: whether two hosts see each other, and what makes it so. */
import { UserError } from '../errors.ts';
import { sees } from '../registry/service/sight.ts';
import { HostView, NetworkView } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, readLogin } from './admin.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';

interface WhyOptions {
  network?: string;
  json?: true;
}

/** What is so, as sentences; those of `obstacles` keep the two apart. */
interface Explanation {
  readonly seen: boolean;
  readonly obstacles: readonly string[];
  readonly facts: readonly string[];
}

export const addWhy: AddCommand = (program, ports) => {
  const command = program
    .command('why')
    .description('say whether two hosts see each other, and why')
    .argument('<a>', 'as `peerage ls` shows it')
    .argument('<b>', 'the other')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines')
    .action((a: string, b: string, options: WhyOptions) => why(a, b, options, ports));
  addExamples(command, [
    ['peerage why teddy maeve', 'rules, time, endpoints and routes of the two'],
    ['peerage why teddy maeve --json', 'exit code 1 when they do not see each other, as without'],
  ]);
};

async function why(a: string, b: string, { network, json }: WhyOptions, ports: Ports): Promise<void> {
  if (a === b) throw new UserError(`"${a}" is one host`, { remedy: 'Name two.', exitCode: 2 });
  const login = await readLogin(ports);
  const path = `/v1/networks/${encodeURIComponent(await chooseNetwork(ports, login, network))}`;
  const readHost = (name: string): Promise<HostView> => {
    const request = { method: 'GET', path: `${path}/hosts/${encodeURIComponent(name)}`, answer: HostView } as const;
    return askRegistry(ports, login, { ...request, intent: `look at "${name}"` });
  };
  const [{ rules }, left, right] = await Promise.all([
    askRegistry(ports, login, { method: 'GET', path, answer: NetworkView, intent: 'read the rules' }),
    readHost(a),
    readHost(b),
  ]);
  const explanation = explainSight(left, right, rules, ports.clock.wall());
  const { seen, obstacles, facts } = explanation;
  const { terminal } = ports;
  if (json === true) terminal.stdout(`${JSON.stringify({ hosts: [a, b], ...explanation }, null, 2)}\n`);
  else {
    terminal.stdout(`${a} and ${b} ${seen ? 'see each other' : 'do not see each other'}.\n`);
    for (const sentence of [...obstacles, ...facts]) terminal.stdout(`- ${sentence}\n`);
  }
  if (!seen) throw new UserError('');
}

/** `nowMs`: since 1970. */
export function explainSight(a: HostView, b: HostView, rules: NetworkView['rules'], nowMs: number): Explanation {
  const obstacles = [a, b].flatMap(({ name, expiresAt }) =>
    expiresAt !== null && Date.parse(expiresAt) <= nowMs
      ? [`the time of ${name} was up at ${expiresAt}: peerage renew ${name}`]
      : [],
  );
  const facts: string[] = [];
  const letting = (rules ?? []).filter((rule) => sees(a.tags, b.tags, [rule]));
  if (rules === null) facts.push('there are no rules: everybody sees everybody');
  else if (letting.length === 0)
    obstacles.push(`no rule lets them: ${tagsOf(a)}, ${tagsOf(b)}. All rules: peerage network rules`);
  for (const { from, to } of letting)
    facts.push(`the rule ${from.join(',')}:${to.join(',')} lets them: ${tagsOf(a)}, ${tagsOf(b)}`);
  facts.push(...[a, b].map(whereIs));
  if ([a, b].every((host) => endpointsOf(host).length === 0))
    facts.push('so neither can begin: a third host that both speak with has to report where it sees them');
  for (const [one, other] of [[a, b] as const, [b, a] as const]) {
    const { exitClosed = [] } = one;
    if (one.exit === other.name && exitClosed.length < 2)
      facts.push(`the default route of ${one.name} goes through ${other.name}`);
    if (one.exit === other.name && exitClosed.length > 0)
      facts.push(`${other.name} lets ${one.name} out no more: what is for ${exitClosed.join(' ')} is dropped`);
    if (one.routes.length > 0) facts.push(`behind ${one.name}: ${one.routes.join(' ')}`);
    if (one.requestedRoutes.length > 0)
      facts.push(`not yet behind ${one.name}: ${one.requestedRoutes.join(' ')}: peerage route approve ${one.name}`);
    if (one.nextPublicKey !== null) facts.push(`${one.name} is about to change its key pair`);
  }
  return { seen: obstacles.length === 0, obstacles, facts };
}

function tagsOf({ name, tags }: HostView): string {
  return tags.length === 0 ? `${name} has no tag` : `${name} is ${tags.join(', ')}`;
}

function whereIs(host: HostView): string {
  const at = endpointsOf(host).join(' and ');
  if (host.endpoint !== null) return `${host.name} says that it is reached at ${at}`;
  return at === ''
    ? `nobody knows where ${host.name} is reached: it has to speak first`
    : `${host.name} was seen at ${at}`;
}

function endpointsOf({ endpoint, observedEndpoint, otherEndpoint }: HostView): string[] {
  return endpoint === null ? [observedEndpoint, otherEndpoint].flatMap((text) => text ?? []) : [endpoint];
}
