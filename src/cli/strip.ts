/** `peerage strip`: a file of wg-quick(8) as wg(8) takes it, as `wg-quick strip`. */
import { findConfigFile, warnWhenExposed } from './config-file.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { stripConfig } from './quick/strip.ts';

export const addStrip: AddCommand = (program, ports) => {
  const command = program
    .command('strip')
    .description('show a file without what is not for `setconf` and `syncconf`')
    .argument('<interface|file>', 'as for `up`')
    .action((nameOrPath: string) => strip(ports, nameOrPath));
  addExamples(command, [
    ['peerage strip wg0 | peerage syncconf wg0 /dev/stdin', 'heed a changed /etc/wireguard/wg0.conf'],
  ]);
};

export async function strip(ports: Ports, nameOrPath: string): Promise<void> {
  const { path, text } = await findConfigFile(ports, nameOrPath);
  await warnWhenExposed(ports, path);
  // An empty line at the end, as wg-quick writes it.
  ports.terminal.stdout(`${stripConfig(text)}\n`);
}
