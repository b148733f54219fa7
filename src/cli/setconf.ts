/** `peerage setconf` and `peerage addconf`: a running tunnel becomes what a file says, or gets it in addition. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { addconf, setconf } from './wg/configure.ts';
import { readWgFile } from './wg-file.ts';

const FILE = 'in the format of wg(8); /dev/stdin to read it from a pipe';

export const addSetconf: AddCommand = (program, ports) => {
  const command = program
    .command('setconf')
    .description('replace the configuration of a running tunnel, its key and all its peers included')
    .argument('<interface>')
    .argument('<file>', FILE)
    .action(async (name: string, file: string) => setconf(ports, name, await readWgFile(ports, file)));
  addExamples(command, [['peerage strip wg0 | peerage setconf wg0 /dev/stdin', 'take over /etc/wireguard/wg0.conf']]);
};

export const addAddconf: AddCommand = (program, ports) => {
  const command = program
    .command('addconf')
    .description('give a running tunnel more peers')
    .argument('<interface>')
    .argument('<file>', FILE)
    .action(async (name: string, file: string) => addconf(ports, name, await readWgFile(ports, file)));
  addExamples(command, [['peerage addconf wg0 peers.conf', 'add the [Peer] sections of a file']]);
};
