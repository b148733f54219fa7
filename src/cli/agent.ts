/** `peerage agent`: keeps the peers of an interface current. `join` and `up` start it; few people ever type it. */
import { readConfigFileQuietly } from './config-file.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import { keepCurrent } from './keep-current.ts';
import type { AddCommand } from './command.ts';

export const addAgent: AddCommand = (program, ports) => {
  const command = program
    .command('agent')
    .description('keep the peers of an interface current (`join` and `up` start this)')
    .argument('<interface|file>', 'as for `up`')
    .action(async (nameOrPath: string) => {
      expectRoot(ports, 'agent');
      await keepCurrent(ports, await readConfigFileQuietly(ports, nameOrPath));
    });
  addExamples(command, [['peerage agent wg0', 'run it in this terminal, to watch what it does']]);
};
