/** `peerage pubkey`: the public key of a private key, as `wg pubkey` prints it. */
import { UserError } from '../errors.ts';
import { formatKey, parsePrivateKey, type PublicKey } from '../keys.ts';
import { addExamples } from './help.ts';
import type { AddCommand } from './program.ts';

export const addPubkey: AddCommand = (program, { terminal, crypto }) => {
  const command = program
    .command('pubkey')
    .description('read a private key from standard input and print its public key')
    .action(async () => {
      const privateKey = parsePrivateKey((await terminal.stdin()).trim());
      if (privateKey === undefined) throw new UserError('Key is not the correct length or format');
      terminal.stdout(`${formatKey(crypto.publicKey(privateKey) as PublicKey)}\n`); // 32 bytes by the port's contract
    });
  addExamples(command, [['peerage pubkey < private.key', 'the public key that goes into the files of the others']]);
};
