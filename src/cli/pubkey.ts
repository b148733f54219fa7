/** `peerage pubkey`: the public key of a private key, as `wg pubkey` prints it. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { pubkey } from './wg/keys.ts';

export const addPubkey: AddCommand = (program, ports) => {
  const command = program
    .command('pubkey')
    .description('read a private key from standard input and print its public key')
    .action(() => pubkey(ports));
  addExamples(command, [['peerage pubkey < private.key', 'the public key that goes into the files of the others']]);
};
