/** `peerage add NAME`: a token for one host of that name, and the line to paste there. */
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
}

export const addAdd: AddCommand = (program, ports) => {
  const command = program
    .command('add')
    .description('let one more host in')
    .argument('<name>', 'what it will be called');
  addTokenOptions(command).action((name: string, options: AddOptions) => makeToken({ ...options, name }, ports));
  addExamples(command, [
    ['peerage add teddy', 'print the line to paste on teddy'],
    ['peerage add charlotte --route 172.27.88.0/24', 'a host with a network behind it'],
  ]);
};
