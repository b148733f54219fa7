/**
 * Help that opens with examples: most people look for the line to type, and read on only when none fits.
 */
import type { Command } from 'commander';
import { UserError } from '../errors.ts';

/** A line to type and what it does. */
export type Example = readonly [line: string, does: string];

/** Shows these before everything else in the command's help. */
export function addExamples(command: Command, examples: readonly Example[]): Command {
  const lines = examples.map(([line, does]) => `  # ${does}\n  ${line}\n`);
  return command.addHelpText('before', `Examples:\n${lines.join('\n')}`);
}

/** `peerage help`, `peerage help COMMAND`, and `peerage help COMMAND SUBCOMMAND`. */
export function addHelpCommand(program: Command): void {
  program
    .command('help')
    .argument('[command...]', 'the command to explain')
    .description('show how a command is used')
    .action((names: string[]) => findCommand(program, names).outputHelp());
}

function findCommand(program: Command, names: readonly string[]): Command {
  let found = program;
  for (const name of names) {
    const next = found.commands.find((command) => command.name() === name || command.aliases().includes(name));
    if (next === undefined)
      throw new UserError(`there is no command "${names.join(' ')}"`, {
        remedy: `Type: ${commandPath(found).replace(/^(\S+)/, '$1 help')}`,
        exitCode: 2,
      });
    found = next;
  }
  return found;
}

/** Whoever typed it wrongly is told where it is explained: after the errors of this command and of all below it. */
export function pointToHelp(command: Command): void {
  command.showHelpAfterError(`  See: ${commandPath(command).replace(/^(\S+)/, '$1 help')}`);
  command.commands.forEach(pointToHelp);
}

/** `peerage registry serve`. */
export function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`;
}
