/** `peerage renew NAME`: lets a host whose time is limited stay for another lifetime. Its own agent does the same by itself. */
import { HostView } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, readLogin } from './admin.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';

interface RenewOptions {
  network?: string;
  json?: true;
}

export const addRenew: AddCommand = (program, ports) => {
  const command = program
    .command('renew')
    .description('let a host whose time is limited stay for another lifetime')
    .argument('<name>', 'as `peerage ls` shows it')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines')
    .action((name: string, options: RenewOptions) => renew(name, options, ports));
  addExamples(command, [['peerage renew teddy', 'also when its time is up; the others see it again']]);
};

async function renew(name: string, { network, json }: RenewOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const chosen = encodeURIComponent(await chooseNetwork(ports, login, network));
  const path = `/v1/networks/${chosen}/hosts/${encodeURIComponent(name)}/renew`;
  const host = await askRegistry(ports, login, { method: 'POST', path, answer: HostView, intent: `renew "${name}"` });
  if (json === true) return ports.terminal.stdout(`${JSON.stringify(host, null, 2)}\n`);
  const end = host.expiresAt === null ? 'for ever: its time is not limited' : `until ${host.expiresAt}`;
  return ports.terminal.stderr(`"${name}" stays ${end}.\n`);
}
