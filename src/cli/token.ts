/** `peerage token`: lets hosts enrol. `peerage add NAME` is the same for one host of that name. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { UserError } from '../errors.ts';
import { CreatedToken, type NewToken } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, confirm, readLogin } from './admin.ts';
import { durationParser, YEAR_SECONDS } from './duration.ts';
import { addExamples } from './help.ts';
import { listTokens } from './lists.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { isThisMachine } from './registry-reach.ts';
import { formatTable } from './table.ts';

export interface TokenOptions {
  network?: string;
  uses?: number;
  expires?: number;
  name?: string;
  pattern?: string;
  route?: string[];
  tag?: string[];
  ephemeral?: true;
  keep?: number;
  json?: true;
}

interface RevokeOptions {
  network?: string;
  yes?: true;
}

const parseDuration = durationParser({ least: 1, most: YEAR_SECONDS });

export const addToken: AddCommand = (program, ports) => {
  const command = program.command('token').description('make, list and revoke tokens that hosts enrol with');
  addTokenOptions(command)
    .option('--uses <number>', 'how many hosts may enrol with it (1)', parseUses)
    .option('--name <name>', 'the one host name that it is good for')
    .addOption(
      new Option('--pattern <names>', 'the names that it is good for, with * for any text: web-*').conflicts('name'),
    )
    .action((options: TokenOptions) => makeToken(options, ports));
  addExamples(command, [
    ['peerage token', 'for one host, within a day'],
    ['peerage token --uses 6 --expires 1h', 'for six hosts, within the hour'],
    ['peerage token --tag servers --pattern "web-*"', 'for a host of a group, with such a name'],
    ['peerage token --route 172.27.88.0/24', 'for a host that may have this network behind it'],
  ]);
  const ls = command
    .command('ls')
    .description('list the tokens')
    .option('--network <name>', 'of this network')
    .option('--json', 'for machines')
    // What stands before `ls` belongs to the same line: `token --json ls`.
    .action((_: TokenOptions, self: Command) => showTokens(self.optsWithGlobals<TokenOptions>(), ports));
  addExamples(ls, [['peerage token ls', 'all tokens, newest first; their secrets are not kept']]);
  const rm = command
    .command('rm')
    .description('revoke a token')
    .argument('<id>', 'as `peerage token ls` shows it')
    .option('--network <name>', 'of this network')
    .option('--yes', 'do not ask')
    .action((id: string, _: TokenOptions, self: Command) => revoke(id, self.optsWithGlobals<RevokeOptions>(), ports));
  addExamples(rm, [
    ['peerage token rm pgt_1a2b3c4d', 'nobody can enrol with it any more; after asking'],
    ['peerage token rm pgt_1a2b3c4d --yes', 'in a script'],
  ]);
};

/** What `token` and `add` have in common. */
export function addTokenOptions(command: Command): Command {
  return command
    .option('--network <name>', 'for this network (the only one, unless said)')
    .option('--expires <duration>', 'good for so long: 90s, 30m, 1h, 7d (1d)', parseDuration)
    .option('--route <cidr...>', 'networks that the host may have behind it')
    .option('--tag <tag...>', 'groups that its hosts belong to (peerage network rules)')
    .option('--ephemeral', 'its hosts go by themselves when they fall silent')
    .option('--keep <duration>', 'its hosts stay so long, unless they renew themselves', parseDuration)
    .option('--json', 'for machines');
}

/** With the address of the registry that it is good for. */
export async function createToken(
  options: TokenOptions,
  ports: Ports,
): Promise<{ registry: string; created: CreatedToken }> {
  const { uses, expires, name, pattern, route, tag, ephemeral, keep } = options;
  const login = await readLogin(ports);
  const network = await chooseNetwork(ports, login, options.network);
  const body: NewToken = {
    ...(uses !== undefined && { uses }),
    ...(expires !== undefined && { expiresIn: expires }),
    ...(name !== undefined && { name }),
    ...(pattern !== undefined && { pattern }),
    ...(route !== undefined && { routes: route }),
    ...(tag !== undefined && { tags: tag }),
    ...(ephemeral !== undefined && { ephemeral }),
    ...(keep !== undefined && { hostLifetime: keep }),
  };
  const path = `/v1/networks/${encodeURIComponent(network)}/tokens`;
  const request = { method: 'POST', path, body, answer: CreatedToken, intent: 'make a token' } as const;
  return { registry: login.registry, created: await askRegistry(ports, login, request) };
}

export async function makeToken(options: TokenOptions, ports: Ports): Promise<void> {
  const { json } = options;
  const { created } = await createToken(options, ports);
  ports.terminal.stdout(json === true ? `${JSON.stringify(created, null, 2)}\n` : describe(created, options));
  if (json !== true && isThisMachine(created.joinUrl))
    ports.terminal.stderr(
      'Warning: these lines work on this machine only. For other hosts, log in by an address that they reach (peerage login URL),\n' +
        '  or give it to the registry: peerage registry serve --public-url https://vpn.example.net\n',
    );
}

async function showTokens({ network, json }: TokenOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const tokens = await listTokens(ports, login, await chooseNetwork(ports, login, network));
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify(tokens, null, 2)}\n`);
  const columns = ['TOKEN', 'STATE', 'USES LEFT', 'EXPIRES', 'NAME', 'ROUTES'].map((title) => ({ title }));
  const rows = tokens.map((token) => [
    token.id,
    token.state,
    String(token.remaining),
    token.expiresAt.replace('T', ' ').replace(/\.\d+Z$/, 'Z'),
    token.name ?? token.pattern ?? 'any',
    token.routes.join(' '),
  ]);
  terminal.stdout(formatTable(columns, rows, terminal.columns));
}

async function revoke(id: string, { network, yes }: RevokeOptions, ports: Ports): Promise<void> {
  if (!/^pgt_[A-Za-z0-9_-]{8}$/.test(id))
    throw new UserError(`"${id}" is not the id of a token`, { remedy: 'See them: peerage token ls', exitCode: 2 });
  const login = await readLogin(ports);
  const parent = `/v1/networks/${encodeURIComponent(await chooseNetwork(ports, login, network))}/tokens`;
  await confirm(ports, `Revoke the token ${id}?`, yes === true);
  const path = `${parent}/${encodeURIComponent(id)}`;
  await askRegistry(ports, login, { method: 'DELETE', path, intent: `revoke the token ${id}` });
  ports.terminal.stderr(`The token ${id} opens nothing any more.\n`);
}

/** The lines to paste on the host, with and without the binary there. */
function describe({ joinUrl, token, remaining, expiresAt, routes }: CreatedToken, { name }: TokenOptions): string {
  const registry = joinUrl.slice(0, -token.length - 1);
  const settings = [
    ...(name === undefined ? [] : [['PEERAGE_NAME', '--name', name] as const]),
    ...(routes.length === 0 ? [] : [['PEERAGE_ROUTES', '--routes', routes.join(',')] as const]),
  ];
  const env = settings.map(([variable, , value]) => `${variable}=${value} `).join('');
  const flags = settings.map(([, flag, value]) => ` ${flag} ${value}`).join('');
  const who = remaining === 1 ? (name ?? 'one host') : `${remaining} hosts`;
  return `For ${who}, until ${expiresAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}. As root, on a host with nothing installed:
  curl -fsS ${joinUrl} | ${env}sh
with peerage installed:
  peerage join ${joinUrl}${flags}
or by hand, with the public key of a private key that stays there:
  curl -fsS ${registry}/v1/enroll -H "Authorization: Bearer ${token}" --data-urlencode name=${name ?? 'NAME'} --data-urlencode publicKey=KEY${routes.length === 0 ? '' : ` --data-urlencode routes=${routes.join(',')}`}
`;
}

function parseUses(text: string): number {
  const uses = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (uses < 1 || uses > 10_000) throw new InvalidArgumentError('Expected a number from 1 to 10000.');
  return uses;
}
