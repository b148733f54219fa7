/** `peerage licences`: on which terms this program and what is in it may be used. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';

const OWN = `Peerage is under the MIT License: see its file LICENSE. Each package that it uses lies beside it in node_modules, with a licence
of its own. The single binary has them inside, and prints them here.
`;

export const addLicences: AddCommand = (program, { terminal, processes }) => {
  const command = program
    .command('licences')
    .description('print the licences of this program and of what is in it')
    .action(async () => terminal.stdout((await processes.licences?.()) ?? OWN));
  addExamples(command, [['peerage licences | less', 'read all of them']]);
};
