/** `peerage genkey`: a private key, as `wg genkey` prints it. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { genkey } from './wg/keys.ts';

export const addGenkey: AddCommand = (program, ports) => {
  const command = program
    .command('genkey')
    .description('print a new private key')
    .action(() => genkey(ports));
  addExamples(command, [
    ['umask 077; peerage genkey > private.key', 'keep a new private key in a file that only you can read'],
    ['peerage genkey | tee private.key | peerage pubkey > public.key', 'make both keys at once'],
  ]);
};
