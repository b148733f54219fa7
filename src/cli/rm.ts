/** `peerage rm NAME`: takes a host out of the network, everywhere. */
import { askRegistry, chooseNetwork, confirm, readLogin } from './admin.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';

interface RmOptions {
  network?: string;
  yes?: true;
}

export const addRm: AddCommand = (program, ports) => {
  const command = program
    .command('rm')
    .description('remove a host: its key dies and its peers forget it')
    .argument('<name>', 'as `peerage ls` shows it')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--yes', 'do not ask')
    .action((name: string, options: RmOptions) => removeHost(name, options, ports));
  addExamples(command, [
    ['peerage rm teddy', 'after asking'],
    ['peerage rm teddy --yes', 'in a script'],
  ]);
};

async function removeHost(name: string, { network, yes }: RmOptions, ports: Ports): Promise<void> {
  const login = await readLogin(ports);
  const chosen = await chooseNetwork(ports, login, network);
  await confirm(ports, `Remove the host "${name}" from the network "${chosen}"?`, yes === true);
  const path = `/v1/networks/${encodeURIComponent(chosen)}/hosts/${encodeURIComponent(name)}`;
  await askRegistry(ports, login, { method: 'DELETE', path, intent: `remove "${name}"` });
  ports.terminal.stderr(
    `"${name}" is gone; the others let go of it within a minute, those with curl when they refresh.\n` +
      `To undo it, while its addresses rest: peerage restore ${name}\n`,
  );
}
