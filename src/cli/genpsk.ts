/** `peerage genpsk`: a preshared key, as `wg genpsk` prints it. */
import { formatKey, generatePresharedKey } from '../keys.ts';
import { addExamples } from './help.ts';
import type { AddCommand } from './program.ts';
import { warnWhenOthersCanRead } from './secret-output.ts';

export const addGenpsk: AddCommand = (program, ports) => {
  const command = program
    .command('genpsk')
    .description('print a new preshared key')
    .action(() => {
      warnWhenOthersCanRead(ports.terminal);
      ports.terminal.stdout(`${formatKey(generatePresharedKey(ports.random))}\n`);
    });
  addExamples(command, [
    ['umask 077; peerage genpsk > preshared.key', 'a second secret that two peers share (PresharedKey)'],
  ]);
};
