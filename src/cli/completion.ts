/**
 * `peerage completion SHELL`: a script that completes commands, subcommands and options, made from the commands
 * themselves. What is no command and no option is left to the shell, which offers files.
 */
import { Argument } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import { completionNodes } from './completion-tree.ts';
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export const addCompletion: AddCommand = (program, { terminal }) => {
  const command = program
    .command('completion')
    .description('print a script that completes command lines of peerage')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SHELLS)))
    .action((shell: keyof typeof SHELLS) => terminal.stdout(SHELLS[shell](completionNodes(program))));
  addExamples(command, [
    [`echo 'eval "$(peerage completion bash)"' >> ~/.bashrc`, 'bash'],
    ['peerage completion zsh > ~/.zfunc/_peerage', 'zsh, with ~/.zfunc in fpath'],
    ['peerage completion fish > ~/.config/fish/completions/peerage.fish', 'fish'],
  ]);
};
