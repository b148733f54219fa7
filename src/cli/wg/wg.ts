/**
 * The program under the name `wg`: the arguments, the messages and the exit codes of wg(8) of wireguard-tools, so that
 * scripts do not notice. Under its own name the same commands are in program.ts, with messages of its own.
 */
import { UserError } from '../../errors.ts';
import type { Ports } from '../ports.ts';
import type { Source } from './read-config.ts';
import { WgError } from './wg-error.ts';

/** The version whose behaviour this is. */
const VERSION = 'wireguard-tools v1.0.20210914 - https://git.zx2c4.com/wireguard-tools/';

interface Subcommand {
  does: string;
  /** Its arguments. */
  usage: string;
  /** Least and greatest number of them. */
  arity: readonly [least: number, greatest: number];
  /** Resolves to the exit code, 0 where nothing is said. */
  run(ports: Ports, args: readonly string[]): Promise<number | void>;
}

const FILE_USAGE = '<interface> <configuration filename>';

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  show: {
    does: 'Shows the current configuration and device information',
    usage:
      '{ <interface> | all | interfaces } [public-key | private-key | listen-port | fwmark | peers | preshared-keys | ' +
      'endpoints | allowed-ips | latest-handshakes | transfer | persistent-keepalive | dump]',
    arity: [0, 2],
    run: show,
  },
  showconf: {
    does: "Shows the current configuration of a given WireGuard interface, for use with `setconf'",
    usage: '<interface>',
    arity: [1, 1],
    run: async (ports, [name = '']) => (await import('./showconf.ts')).showconf(ports, name),
  },
  set: {
    does: 'Change the current configuration, add peers, remove peers, or change peers',
    usage:
      '<interface> [listen-port <port>] [fwmark <mark>] [private-key <file path>] [peer <base64 public key> [remove] ' +
      '[preshared-key <file path>] [endpoint <ip>:<port>] [persistent-keepalive <interval seconds>] ' +
      '[allowed-ips <ip1>/<cidr1>[,<ip2>/<cidr2>]...] ]...',
    arity: [2, Infinity],
    run: async (ports, [name = '', ...settings]) => (await import('./configure.ts')).set(ports, name, settings),
  },
  setconf: {
    does: 'Applies a configuration file to a WireGuard interface',
    usage: FILE_USAGE,
    arity: [2, 2],
    run: async (ports, [name = '', file = '']) =>
      (await import('./configure.ts')).setconf(ports, name, await readSource(ports, file)),
  },
  addconf: {
    does: 'Appends a configuration file to a WireGuard interface',
    usage: FILE_USAGE,
    arity: [2, 2],
    run: async (ports, [name = '', file = '']) =>
      (await import('./configure.ts')).addconf(ports, name, await readSource(ports, file)),
  },
  syncconf: {
    does: 'Synchronizes a configuration file to a WireGuard interface',
    usage: FILE_USAGE,
    arity: [2, 2],
    run: async (ports, [name = '', file = '']) =>
      (await import('./configure.ts')).syncconf(ports, name, await readSource(ports, file)),
  },
  genkey: {
    does: 'Generates a new private key and writes it to stdout',
    usage: '',
    arity: [0, 0],
    run: async (ports) => (await import('./keys.ts')).genkey(ports),
  },
  genpsk: {
    does: 'Generates a new preshared key and writes it to stdout',
    usage: '',
    arity: [0, 0],
    run: async (ports) => (await import('./keys.ts')).genpsk(ports),
  },
  pubkey: {
    does: 'Reads a private key from stdin and writes a public key to stdout',
    usage: '',
    arity: [0, 0],
    run: pubkey,
  },
};

/** Runs a command line (without the program's own name). Resolves to the exit code: 0 done, 1 failed. */
export async function runWg(args: readonly string[], ports: Ports): Promise<number> {
  const { terminal } = ports;
  const [name = 'show', ...rest] = args;
  if (args.length === 1 && ['-v', '--version', 'version'].includes(name)) {
    terminal.stdout(`${VERSION}\n`);
    return 0;
  }
  if (args.length === 1 && ['-h', '--help', 'help'].includes(name)) {
    terminal.stdout(programUsage());
    return 0;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (subcommand === undefined) {
    terminal.stderr(`Invalid subcommand: \`${name}'\n${programUsage()}`);
    return 1;
  }
  const [least, greatest] = subcommand.arity;
  if (rest.length < least || rest.length > greatest) {
    terminal.stderr(usageOf(name));
    return 1;
  }
  try {
    return (await subcommand.run(ports, rest)) ?? 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    terminal.stderr(`${wgMessage(error)}\n`);
    return 1;
  }
}

async function show(ports: Ports, [which = 'all', field]: readonly string[]): Promise<number> {
  const { terminal } = ports;
  const isHelp = field === undefined && ['-h', '--help', 'help'].includes(which);
  if (isHelp || (which === 'interfaces' && field !== undefined)) {
    terminal.stderr(usageOf('show'));
    return isHelp ? 0 : 1;
  }
  const { showAll, showInterfaces, showOne, UnknownField } = await import('./show.ts');
  try {
    if (which === 'interfaces') await showInterfaces(ports);
    else if (which !== 'all') await showOne(ports, which, field);
    else {
      const complain = (error: UserError): void => terminal.stderr(`${wgMessage(error)}\n`);
      const { shown, failed } = await showAll(ports, field, complain);
      return shown === 0 && failed > 0 ? 1 : 0;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof UnknownField)) throw error;
    terminal.stderr(`${error.message}\n${usageOf('show')}`);
    return 1;
  }
}

async function readSource(ports: Ports, file: string): Promise<Source> {
  const { readWholeFile } = await import('./values.ts');
  return { file, text: (await readWholeFile(ports, file)) ?? '' };
}

/** The only one that puts the name of the program before its messages. */
async function pubkey(ports: Ports): Promise<void> {
  const { pubkey } = await import('./keys.ts');
  try {
    await pubkey(ports);
  } catch (error) {
    throw error instanceof UserError ? new WgError(`wg: ${error.message}`, error) : error;
  }
}

function wgMessage(error: UserError): string {
  return error instanceof WgError ? error.wgMessage : error.message;
}

function programUsage(): string {
  const lines = Object.entries(SUBCOMMANDS).map(([name, { does }]) => `  ${name}: ${does}\n`);
  const end = "You may pass `--help' to any of these subcommands to view usage.\n";
  return `Usage: wg <cmd> [<args>]\n\nAvailable subcommands:\n${lines.join('')}${end}`;
}

function usageOf(name: string): string {
  return `${`Usage: wg ${name} ${SUBCOMMANDS[name]?.usage ?? ''}`.trimEnd()}\n`;
}
