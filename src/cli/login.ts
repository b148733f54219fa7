/** `peerage login`: keeps the admin key of a registry for the commands that need it. */
import { isCleartext, parseJoinLink } from '../agent/enrol.ts';
import { UserError } from '../errors.ts';
import { NetworkList } from '../registry/wire.ts';
import { askRegistry, loginPath, type Login } from './admin.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';

export const addLogin: AddCommand = (program, ports) => {
  const command = program
    .command('login')
    .description('become the administrator of a registry')
    .argument('<url>', 'the registry; https, unless the address is a private one or says http://')
    .action((url: string) => login(url, ports));
  addExamples(command, [
    ['peerage login vpn.example.net', 'asks for the admin key that `registry serve` printed'],
    ['peerage login vpn.example.net < admin.key', 'reads it from a file'],
  ]);
};

async function login(url: string, ports: Ports): Promise<void> {
  const { registry } = parseJoinLink(url);
  const { terminal, files } = ports;
  if (isCleartext(registry))
    terminal.stderr(`Warning: ${registry} is not encrypted: whoever sees the traffic can use the admin key.\n`);
  const access: Login = { registry, adminKey: await readAdminKey(ports) };
  const request = { method: 'GET', path: '/v1/networks', answer: NetworkList, intent: 'log in' } as const;
  const { networks } = await askRegistry(ports, access, request);
  const path = loginPath(ports);
  await files.write(path, `${JSON.stringify(access)}\n`, { mode: 0o600 });
  const next = networks.length === 0 ? 'Next: peerage network add home' : 'Next: peerage ls';
  terminal.stderr(`Logged in to ${registry}; the key is in ${path}\n${next}\n`);
}

async function readAdminKey({ terminal, processes }: Ports): Promise<string> {
  const given = processes.env['PEERAGE_ADMIN_KEY'] ?? (await terminal.ask('Admin key: ')) ?? (await terminal.stdin());
  const key = given.trim();
  if (/^pga_[A-Za-z0-9_-]{43}$/.test(key)) return key;
  throw new UserError('that is no admin key: one begins with pga_ and has 47 characters', {
    remedy: 'It was printed when `peerage registry serve` ran for the first time.',
  });
}
