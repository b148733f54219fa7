/** `peerage showconf`: a running tunnel as a file for `setconf`. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { showconf } from './wg/showconf.ts';

export const addShowconf: AddCommand = (program, ports) => {
  const command = program
    .command('showconf')
    .description('print a running tunnel as a configuration file, keys included')
    .argument('<interface>')
    .action(async (name: string) => showconf(ports, name));
  addExamples(command, [['umask 077; peerage showconf wg0 > wg0.conf', 'keep the configuration of a running tunnel']]);
};
