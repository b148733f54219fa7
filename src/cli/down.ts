/** `peerage down`: takes back all that `up` did, as `wg-quick down`. */
import { readConfigFile } from './config-file.ts';
import { addExamples } from './help.ts';
import { bringDown } from './interface-down.ts';
import { expectRoot } from './interface-up.ts';
import type { AddCommand } from './program.ts';

export const addDown: AddCommand = (program, ports) => {
  const command = program
    .command('down')
    .description('take an interface down, and all that `up` did for it')
    .argument('<interface|file>', 'as for `up`')
    .action(async (nameOrPath: string) => {
      expectRoot(ports, 'down');
      await bringDown(ports, await readConfigFile(ports, nameOrPath));
    });
  addExamples(command, [['peerage down wg0', 'take down what `peerage up wg0` brought up']]);
};
