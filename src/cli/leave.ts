/** `peerage leave`: takes this host out of its network, and leaves nothing private behind. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';

export const addLeave: AddCommand = (program, ports) => {
  const command = program
    .command('leave')
    .description('take this host out of its network, and remove what `join` made')
    .argument('[interface]', 'as given to `join`', 'wg0')
    .option('--force', 'even when the registry cannot be told')
    .action(async (name: string, options: { force?: true }) => {
      const { leaveNetwork } = await import('./leave-network.ts');
      await leaveNetwork(ports, name, options);
    });
  addExamples(command, [
    ['peerage leave', 'leave the network of wg0; the others drop this host at once'],
    ['peerage leave --force', 'forget the network although its registry does not answer'],
  ]);
};
