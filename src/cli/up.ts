/** `peerage up`: an interface with its addresses, routes and peers, as `wg-quick up`. */
import { readConfigFile } from './config-file.ts';
import { addExamples } from './help.ts';
import { bringUp, expectRoot } from './interface-up.ts';
import type { AddCommand } from './program.ts';

export const addUp: AddCommand = (program, ports) => {
  const command = program
    .command('up')
    .description('bring an interface up, with its addresses, routes and peers')
    .argument('<interface|file>', 'wg0 for /etc/wireguard/wg0.conf, or the path of a .conf file')
    .option('--crypto <provider>', 'use this one instead of the fastest')
    .action(async (nameOrPath: string, options: { crypto?: string }) => {
      expectRoot(ports, 'up');
      const file = await readConfigFile(ports, nameOrPath);
      await bringUp(ports, file, { unresolved: 'fail', ...options });
    });
  addExamples(command, [
    ['peerage up wg0', 'bring up /etc/wireguard/wg0.conf'],
    ['peerage up ./office.conf', 'bring up an interface called "office"'],
  ]);
};
