/** `peerage status`: which networks this host is in, and how its peers are. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';

export const addStatus: AddCommand = (program, ports) => {
  const command = program
    .command('status')
    .description('show the networks of this host, their registries and peers')
    .argument('[interface]', 'only this one')
    .option('--json', 'for machines')
    .action(async (name: string | undefined, options: { json?: true }) => {
      const { showStatus } = await import('./show-status.ts');
      await showStatus(ports, name, options);
    });
  addExamples(command, [
    ['peerage status', 'who am I, does the registry answer, which peers are there'],
    ['peerage status --json', 'the same for machines'],
  ]);
};
