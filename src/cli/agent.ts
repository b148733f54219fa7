/** `peerage agent`: keeps the peers of a joined interface current. `join` and `up` start it; few people ever type it. */
import { expectInterfaceName } from './config-file.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import type { AddCommand } from './program.ts';

export const addAgent: AddCommand = (program, ports) => {
  const command = program
    .command('agent')
    .description('keep the peers of a joined interface current (`join` and `up` start this)')
    .argument('<interface>')
    .action(async (name: string) => {
      expectRoot(ports, 'agent');
      expectInterfaceName(name);
      const { runAgent } = await import('./run-agent.ts');
      await runAgent(ports, name);
    });
  addExamples(command, [['peerage agent wg0', 'run it in this terminal, to watch what it does']]);
};
