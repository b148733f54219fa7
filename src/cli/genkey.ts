/** `peerage genkey`: a private key, as `wg genkey` prints it. */
import { formatKey, generatePrivateKey } from '../keys.ts';
import { addExamples } from './help.ts';
import type { AddCommand } from './program.ts';
import { warnWhenOthersCanRead } from './secret-output.ts';

export const addGenkey: AddCommand = (program, ports) => {
  const command = program
    .command('genkey')
    .description('print a new private key')
    .action(() => {
      warnWhenOthersCanRead(ports.terminal);
      ports.terminal.stdout(`${formatKey(generatePrivateKey(ports.random))}\n`);
    });
  addExamples(command, [
    ['umask 077; peerage genkey > private.key', 'keep a new private key in a file that only you can read'],
    ['peerage genkey | tee private.key | peerage pubkey > public.key', 'make both keys at once'],
  ]);
};
