/**
 * The program under the name `wg-quick`: the arguments, the steps, the messages and the exit codes of wg-quick(8). Under its own
 * name the same commands are in program.ts, with messages and extras of their own.
 */
import { ConfigError } from '../../config/parse.ts';
import { UserError } from '../../errors.ts';
import type { Ports } from '../ports.ts';
import { StepError } from '../steps.ts';
import { refuse } from './refusal.ts';

const USAGE = `Usage: wg-quick [ up | down | save | strip ] [ CONFIG_FILE | INTERFACE ]

  CONFIG_FILE is named after its interface, and ends in \`.conf'. INTERFACE
  stands for the file /etc/wireguard/INTERFACE.conf. Besides what wg(8) takes
  from it with \`setconf', [Interface] may have:

  - Address: addresses of the interface, with prefix lengths.
  - DNS: name servers, and search domains, while the interface is up.
  - MTU: left out, it comes from the way to the peers.
  - Table: the routing table for the peers' routes, \`auto' or \`off'.
  - PreUp, PostUp, PreDown, PostDown: lines for bash(1), at their time; \`%i' is
    the interface.
  - SaveConfig: with \`true', \`down' writes the state of the interface to the file.

See wg-quick(8), of which this does the work.
`;

const COMMANDS: Readonly<Record<string, (ports: Ports, nameOrPath: string) => Promise<void>>> = {
  up: async (ports, nameOrPath) => (await import('../up.ts')).up(ports, nameOrPath, { ignoreFirewall: true }),
  down: async (ports, nameOrPath) => (await import('../down.ts')).down(ports, nameOrPath),
  save: async (ports, nameOrPath) => (await import('../save.ts')).save(ports, nameOrPath),
  strip: async (ports, nameOrPath) => (await import('../strip.ts')).strip(ports, nameOrPath),
};

/**
 * Runs a command line (without the program's own name). Resolves to the exit code, which is that of the program or the hook that
 * failed. `link`: how this program is started under this name.
 */
export async function runWgQuick(
  args: readonly string[],
  ports: Ports,
  link: readonly [program: string, ...args: string[]],
): Promise<number> {
  const { terminal, processes } = ports;
  const [name = '', nameOrPath = ''] = args;
  if (args.length === 1 && ['--help', '-h', 'help'].includes(name)) {
    terminal.stderr(USAGE);
    return 0;
  }
  const command = args.length === 2 && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    terminal.stderr(USAGE);
    return 1;
  }
  if (!processes.isRoot) return becomeRoot(ports, [...link, ...args]);
  const own = withFolderFirst(ports, link.at(-1) ?? '');
  try {
    await command(own, nameOrPath);
    return 0;
  } catch (error) {
    if (error instanceof StepError) return error.status; // which has been explained by who failed
    if (!(error instanceof UserError)) throw error;
    if (error instanceof ConfigError) {
      const refusal = await refuse(own, error, name);
      terminal.stderr(refusal.text);
      return refusal.exitCode;
    }
    const where = error.position === undefined ? '' : `${error.position.file}:${error.position.line}: `;
    terminal.stderr(`wg-quick: ${where}${error.message}\n`);
    return 1;
  }
}

/** As wg-quick(8) does, so that hooks find the wg(8) beside it: beside the link, as the program itself lies among other files. */
function withFolderFirst(ports: Ports, program: string): Ports {
  const folder = program.slice(0, Math.max(0, program.lastIndexOf('/')));
  const { processes } = ports;
  if (folder === '') return ports;
  const path = `${folder}:${processes.env['PATH'] ?? ''}`;
  const run: Ports['processes']['run'] = (command, args, options) =>
    processes.run(command, args, { ...options, env: { PATH: path, ...options?.env } });
  return { ...ports, processes: { ...processes, run } };
}

async function becomeRoot({ processes }: Ports, command: readonly string[]): Promise<number> {
  const prompt = 'wg-quick must be run as root. Please enter the password for %u to continue: ';
  // sudo asks on the terminal itself.
  return (await processes.run('sudo', ['-p', prompt, '--', ...command], { output: 'inherit' })).exitCode;
}
