/** `peerage add NAME`: a token for one host of that name, and the line to paste there; or the QR code for a phone. */
import { Option } from 'commander';
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { addTokenOptions, makeToken } from './token.ts';

interface AddOptions {
  network?: string;
  expires?: number;
  route?: string[];
  tag?: string[];
  ephemeral?: true;
  keep?: number;
  json?: true;
  /** True: on the terminal. */
  qr?: true | string;
}

export const addAdd: AddCommand = (program, ports) => {
  const command = program
    .command('add')
    .description('let one more host in')
    .argument('<name>', 'what it will be called');
  addTokenOptions(command)
    .addOption(new Option('--qr [file]', 'for a phone: a QR code, here or as .svg or .png').conflicts('json'))
    .action(async (name: string, { qr, ...options }: AddOptions) => {
      if (qr === undefined) return makeToken({ ...options, name }, ports);
      const { addPhone } = await import('./add-phone.ts');
      return addPhone({ ...options, name, file: qr === true ? undefined : qr }, ports);
    });
  addExamples(command, [
    ['peerage add teddy', 'print the line to paste on teddy'],
    ['peerage add charlotte --route 172.27.88.0/24', 'a host with a network behind it'],
    ['peerage add phone --qr', 'a phone, which scans what is shown'],
    ['peerage add phone --qr phone.svg', 'the same as a picture'],
  ]);
};
