/** `peerage rm NAME`: takes a host out of the network, everywhere. */
import { HostView } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, confirm, readLogin } from './admin.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';

interface RmOptions {
  network?: string;
  yes?: true;
  json?: true;
}

export const addRm: AddCommand = (program, ports) => {
  const command = program
    .command('rm')
    .description('remove a host: its key dies and its peers forget it')
    .argument('<name>', 'as `peerage ls` shows it')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--yes', 'do not ask')
    .option('--json', 'for machines: the host as it was')
    .action((name: string, options: RmOptions) => removeHost(name, options, ports));
  addExamples(command, [
    ['peerage rm teddy', 'after asking'],
    ['peerage rm teddy --yes', 'in a script'],
  ]);
};

async function removeHost(name: string, { network, yes, json }: RmOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const chosen = await chooseNetwork(ports, login, network);
  const path = `/v1/networks/${encodeURIComponent(chosen)}/hosts/${encodeURIComponent(name)}`;
  const intent = `remove "${name}"`;
  // First: nobody should have to think about a host that there is not.
  const host = await askRegistry(ports, login, { method: 'GET', path, answer: HostView, intent });
  const where = `"${name}" (${host.addresses.join(', ')})`;
  await confirm(ports, `Remove the host ${where} from the network "${chosen}"?`, yes === true);
  await askRegistry(ports, login, { method: 'DELETE', path, intent });
  if (json === true) return ports.terminal.stdout(`${JSON.stringify(host, null, 2)}\n`);
  return ports.terminal.stderr(
    `"${name}" is gone: its key opens nothing any more. Agents let go of it within 5 seconds; who asks at an interval\n` +
      'lets go when it asks next: a host with curl, and an agent where the registry is at the edge without its bell.\n' +
      `To undo it, while its addresses rest: peerage restore ${name}\n`,
  );
}
