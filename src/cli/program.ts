/**
 * `peerage`: every command, assembled. A command lives in a file of its own in this folder and is added here.
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../errors.ts';
import { addAdd } from './add.ts';
import { addCheck } from './check.ts';
import { addAgent } from './agent.ts';
import { addCompletion } from './completion.ts';
import { addDown } from './down.ts';
import { addGenkey } from './genkey.ts';
import { addGenpsk } from './genpsk.ts';
import { addExamples, addHelpCommand } from './help.ts';
import { addJoin } from './join.ts';
import { addLeave } from './leave.ts';
import { addLogin } from './login.ts';
import { addLs } from './ls.ts';
import { addNetwork } from './network.ts';
import { addPlan } from './plan.ts';
import type { Ports } from './ports.ts';
import { addPubkey } from './pubkey.ts';
import { addRegistry } from './registry.ts';
import { addRm } from './rm.ts';
import { addShow } from './show.ts';
import { addStatus } from './status.ts';
import { createStyle } from './style.ts';
import { addSyncconf } from './syncconf.ts';
import { addToken } from './token.ts';
import { addUp } from './up.ts';
import { VERSION } from './version.ts';

/** Adds one command (or a group of them) to the program. An action returns nothing and throws a UserError to fail. */
export type AddCommand = (program: Command, ports: Ports) => void;

/** Under the headings of `peerage --help`. */
const COMMANDS: Readonly<Record<string, readonly AddCommand[]>> = {
  'Keys:': [addGenkey, addGenpsk, addPubkey],
  'A set of configurations:': [addCheck, addPlan],
  'Tunnels:': [addUp, addDown, addShow, addSyncconf],
  'A host of a registry:': [addJoin, addStatus, addLeave, addAgent],
  'The registry and its administrator:': [addRegistry, addLogin, addNetwork, addToken, addAdd, addLs, addRm],
  'This program:': [addCompletion, addHelpCommand],
};

/** Runs a command line (without the program's own name). Resolves to the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(args: readonly string[], ports: Ports): Promise<number> {
  try {
    await createProgram(ports).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) return fail(error, ports);
    throw error;
  }
}

function createProgram(ports: Ports): Command {
  const { terminal } = ports;
  const program = new Command('peerage')
    .description('A WireGuard VPN, and the registry that lets its hosts enrol themselves.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'show this')
    .helpCommand(false) // ours goes deeper than one level
    .exitOverride()
    .configureHelp({ styleTitle: createStyle(terminal.stdoutIsTerminal).bold })
    .configureOutput({
      writeOut: (text) => terminal.stdout(text),
      writeErr: (text) => terminal.stderr(text),
      outputError: (text, write) => write(text.replace(/^error:/, 'peerage:')),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
      getOutHasColors: () => terminal.stdoutIsTerminal,
      getErrHasColors: () => terminal.stderrIsTerminal,
    });
  addExamples(program, [
    ['peerage join vpn.example.net/TOKEN', 'make this host a member of a VPN'],
    ['peerage check /etc/wireguard/*.conf', 'find what is wrong with configurations'],
    ['peerage help join', 'show how a command is used'],
  ]);
  for (const [heading, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const add of commands) add(program, ports);
  }
  return program;
}

function fail(error: UserError, { terminal }: Ports): number {
  const { red, bold } = createStyle(terminal.stderrIsTerminal);
  const where = error.position === undefined ? '' : `${bold(`${error.position.file}:${error.position.line}`)}: `;
  if (error.message !== '') terminal.stderr(`${red('peerage')}: ${where}${error.message}\n`);
  if (error.remedy !== undefined) terminal.stderr(`  ${error.remedy}\n`);
  return error.exitCode;
}
