/**
 * `peerage`: every command, assembled. A command lives in a file of its own in this folder and is added here.
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../errors.ts';
import type { Ports } from './ports.ts';

/** Adds one command (or a group of them) to the program. An action returns nothing and throws a UserError to fail. */
export type AddCommand = (program: Command, ports: Ports) => void;

const COMMANDS: readonly AddCommand[] = [];

/** Runs a command line (without the program's own name). Resolves to the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(args: readonly string[], ports: Ports): Promise<number> {
  const program = new Command('peerage')
    .description('A WireGuard VPN, and the registry that lets its hosts enrol themselves.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => ports.terminal.stdout(text),
      writeErr: (text) => ports.terminal.stderr(text),
    });
  for (const add of COMMANDS) add(program, ports);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) return fail(error, ports);
    throw error;
  }
}

function fail(error: UserError, ports: Ports): number {
  const where = error.position === undefined ? '' : `${error.position.file}:${error.position.line}: `;
  ports.terminal.stderr(`peerage: ${where}${error.message}\n`);
  if (error.remedy !== undefined) ports.terminal.stderr(`  ${error.remedy}\n`);
  return error.exitCode;
}
