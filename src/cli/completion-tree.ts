/** What can be completed, out of the commands themselves: the same for every shell. */
import type { Command } from 'commander';
import { commandPath } from './help.ts';

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
