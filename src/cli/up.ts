/** `peerage up`: an interface with its addresses, routes and peers, as `wg-quick up`. */
import { startAgent } from './agent-process.ts';
import { readConfigFile } from './config-file.ts';
import { closeFirewall } from './firewall/firewall.ts';
import { guardFirewall } from './firewall/guard.ts';
import { addExamples } from './help.ts';
import { deleteInterface } from './interface-down.ts';
import { bringUp, expectRoot } from './interface-up.ts';
import { membershipPath } from './membership-path.ts';
import type { AddCommand } from './program.ts';

export const addUp: AddCommand = (program, ports) => {
  const command = program
    .command('up')
    .description('bring an interface up, with its addresses, routes and peers')
    .argument('<interface|file>', 'wg0 for /etc/wireguard/wg0.conf, or the path of a .conf file')
    .option('--open-firewall', 'add the firewall rules that are missing; `down` removes them')
    .option('--crypto <provider>', 'use this one instead of the fastest')
    .action(async (nameOrPath: string, options: { openFirewall?: true; crypto?: string }) => {
      expectRoot(ports, 'up');
      const file = await readConfigFile(ports, nameOrPath);
      const isJoined = (await ports.files.mode(membershipPath(file.name))) !== undefined;
      // The agent of a joined interface asks again for names that have no address now.
      await bringUp(ports, file, { ...options, unresolved: isJoined ? 'warn' : 'fail' });
      try {
        await guardFirewall(ports, file, options);
        if (isJoined) await startAgent(ports, file.name);
      } catch (error) {
        await closeFirewall(ports, file.name);
        await deleteInterface(ports, file.name);
        throw error;
      }
    });
  addExamples(command, [
    ['peerage up wg0', 'bring up /etc/wireguard/wg0.conf'],
    ['peerage up ./office.conf', 'bring up an interface called "office"'],
    ['peerage up wg0 --open-firewall', 'let the peers in as well, until `peerage down wg0`'],
  ]);
};
