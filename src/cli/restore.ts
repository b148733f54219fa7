/** `peerage restore NAME`: undoes the removal of a host. */
import { HostView } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, readLogin } from './admin.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';

interface RestoreOptions {
  network?: string;
  json?: true;
}

export const addRestore: AddCommand = (program, ports) => {
  const command = program
    .command('restore')
    .description('bring a removed host back, as it was, while its addresses rest')
    .argument('<name>', 'as it was called')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines')
    .action((name: string, options: RestoreOptions) => restore(name, options, ports));
  addExamples(command, [['peerage restore teddy', 'its key is good again, and the others see it']]);
};

async function restore(name: string, { network, json }: RestoreOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const chosen = encodeURIComponent(await chooseNetwork(ports, login, network));
  const path = `/v1/networks/${chosen}/hosts/${encodeURIComponent(name)}/restore`;
  const host = await askRegistry(ports, login, { method: 'POST', path, answer: HostView, intent: `restore "${name}"` });
  if (json === true) return ports.terminal.stdout(`${JSON.stringify(host, null, 2)}\n`);
  return ports.terminal.stderr(
    `"${name}" is back at ${host.addresses.join(', ')}. An agent that has ended there is started with: peerage join ${login.registry}\n`,
  );
}
