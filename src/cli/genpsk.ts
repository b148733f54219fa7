/** `peerage genpsk`: a preshared key, as `wg genpsk` prints it. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { genpsk } from './wg/keys.ts';

export const addGenpsk: AddCommand = (program, ports) => {
  const command = program
    .command('genpsk')
    .description('print a new preshared key')
    .action(() => genpsk(ports));
  addExamples(command, [
    ['umask 077; peerage genpsk > preshared.key', 'a second secret that two peers share (PresharedKey)'],
  ]);
};
