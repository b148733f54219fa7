/** `peerage up`: an interface with its addresses, routes and peers, as `wg-quick up`. */
import { startAgent } from './agent-process.ts';
import { readConfigFile } from './config-file.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import { hasJoined, needsKeeping } from './keep-current.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { startInterface, type StartOptions } from './start-interface.ts';

export const addUp: AddCommand = (program, ports) => {
  const command = program
    .command('up')
    .description('bring an interface up, with its addresses, routes and peers')
    .argument('<interface|file>', 'wg0 for /etc/wireguard/wg0.conf, or the path of a .conf file')
    .option('--open-firewall', 'add the firewall rules that are missing; `down` removes them')
    .option('--crypto <provider>', 'use this one instead of the fastest')
    .action(async (nameOrPath: string, options: { openFirewall?: true; crypto?: string }) => {
      expectRoot(ports, 'up');
      await up(ports, nameOrPath, options);
    });
  addExamples(command, [
    ['peerage up wg0', 'bring up /etc/wireguard/wg0.conf'],
    ['peerage up ./office.conf', 'bring up an interface called "office"'],
    ['peerage up wg0 --open-firewall', 'let the peers in as well, until `peerage down wg0`'],
  ]);
};

export async function up(ports: Ports, nameOrPath: string, options: StartOptions): Promise<void> {
  const file = await readConfigFile(ports, nameOrPath);
  const isJoined = await hasJoined(ports, file.name);
  // The agent of a joined interface asks again for names that have no address now.
  await startInterface(ports, file, { ...options, unresolved: isJoined ? 'warn' : 'fail' }, async () => {
    if (await needsKeeping(ports, file)) await startAgent(ports, file.name, nameOrPath);
  });
}
