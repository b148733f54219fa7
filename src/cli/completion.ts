/**
 * `peerage completion SHELL`: a script that completes commands, subcommands and options, made from the commands
 * themselves. What is no command and no option is left to the shell, which offers files.
 */
import { Argument, type Command } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import { addExamples, commandPath } from './help.ts';
import type { AddCommand } from './command.ts';

/** A command and what may follow it. */
export interface CompletionNode {
  /** Without the program's name: ``, `genkey`, `registry serve`. */
  path: string;
  /** Subcommands, and the choices of its arguments. */
  words: readonly Completion[];
  /** With their dashes: `--json`. */
  options: readonly Completion[];
}

export interface Completion {
  text: string;
  description: string;
}

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

/** The command and all below it, each before its subcommands. */
export function completionNodes(command: Command): CompletionNode[] {
  const path = commandPath(command).split(' ').slice(1).join(' ');
  const subcommands = command.commands.map((sub) => ({ text: sub.name(), description: sub.description() }));
  const choices = command.registeredArguments.flatMap((argument) =>
    (argument.argChoices ?? []).map((text) => ({ text, description: argument.description })),
  );
  const options = command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({ text: option.long ?? option.short ?? '', description: option.description }));
  return [{ path, words: [...subcommands, ...choices], options }, ...command.commands.flatMap(completionNodes)];
}
