/** `peerage set`: changes a running tunnel, with the arguments of `wg set`. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { UserError } from '../errors.ts';
import { set } from './wg/configure.ts';

const LARGEST_PORT = 65_535;

const SETTINGS = [
  'listen-port PORT | fwmark MARK | private-key FILE',
  'peer PUBLIC-KEY [remove | preshared-key FILE | endpoint HOST:PORT | allowed-ips LIST | persistent-keepalive SECONDS]',
].join(' | ');

export const addSet: AddCommand = (program, ports) => {
  const command = program
    .command('set')
    .description('change a running tunnel: its key, port, mark and peers')
    .argument('<interface>')
    .argument('<setting...>', SETTINGS)
    .action(async (name: string, settings: string[]) => {
      expectPorts(settings);
      await set(ports, name, settings);
    });
  addExamples(command, [
    [
      'peerage set wg0 listen-port 51820 private-key private.key',
      'keys come from files: others can read command lines',
    ],
    ['peerage set wg0 peer PUBLIC-KEY allowed-ips 10.7.0.2/32 endpoint vpn.example.net:51820', 'add or change a peer'],
    ['peerage set wg0 peer PUBLIC-KEY remove', 'forget a peer'],
  ]);
};

/** wg(8) takes 65536 for 0, and so do we under its name. */
function expectPorts(settings: readonly string[]): void {
  for (const [i, setting] of settings.entries()) {
    const port =
      setting === 'listen-port' || setting === 'endpoint' ? /\d+$/.exec(settings[i + 1] ?? '')?.[0] : undefined;
    if (Number(port ?? 0) > LARGEST_PORT)
      throw new UserError(`${setting}: expected a port from 0 to ${LARGEST_PORT}, found "${port}"`, { exitCode: 2 });
  }
}
