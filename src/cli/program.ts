/**
 * `peerage`: every command, assembled. A command lives in a file of its own in this folder and is added here.
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../errors.ts';
import type { AddCommand } from './command.ts';
import { addExamples, pointToHelp } from './help.ts';
import type { Ports } from './ports.ts';
import { createStyle } from './style.ts';
import { VERSION } from './version.ts';

/** Under the headings of `peerage --help`. A command is loaded when it is called, so that the small ones start at once. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, () => Promise<AddCommand>>>>> = {
  'Keys:': {
    genkey: async () => (await import('./genkey.ts')).addGenkey,
    genpsk: async () => (await import('./genpsk.ts')).addGenpsk,
    pubkey: async () => (await import('./pubkey.ts')).addPubkey,
  },
  'A set of configurations:': {
    check: async () => (await import('./check.ts')).addCheck,
    plan: async () => (await import('./plan.ts')).addPlan,
  },
  'Tunnels:': {
    up: async () => (await import('./up.ts')).addUp,
    down: async () => (await import('./down.ts')).addDown,
    save: async () => (await import('./save.ts')).addSave,
    strip: async () => (await import('./strip.ts')).addStrip,
    show: async () => (await import('./show.ts')).addShow,
    showconf: async () => (await import('./showconf.ts')).addShowconf,
    set: async () => (await import('./set.ts')).addSet,
    setconf: async () => (await import('./setconf.ts')).addSetconf,
    addconf: async () => (await import('./setconf.ts')).addAddconf,
    syncconf: async () => (await import('./syncconf.ts')).addSyncconf,
    tun: async () => (await import('./tun.ts')).addTun,
    service: async () => (await import('./service.ts')).addService,
    doctor: async () => (await import('./doctor.ts')).addDoctor,
  },
  'A host of a registry:': {
    join: async () => (await import('./join.ts')).addJoin,
    status: async () => (await import('./status.ts')).addStatus,
    offer: async () => (await import('./offer.ts')).addOffer,
    exit: async () => (await import('./exit.ts')).addExit,
    rotate: async () => (await import('./rotate.ts')).addRotate,
    leave: async () => (await import('./leave.ts')).addLeave,
    agent: async () => (await import('./agent.ts')).addAgent,
  },
  'The registry and its administrator:': {
    registry: async () => (await import('./registry.ts')).addRegistry,
    login: async () => (await import('./login.ts')).addLogin,
    network: async () => (await import('./network.ts')).addNetwork,
    token: async () => (await import('./token.ts')).addToken,
    add: async () => (await import('./add.ts')).addAdd,
    ls: async () => (await import('./ls.ts')).addLs,
    route: async () => (await import('./route.ts')).addRoute,
    tag: async () => (await import('./tag.ts')).addTag,
    rm: async () => (await import('./rm.ts')).addRm,
    restore: async () => (await import('./restore.ts')).addRestore,
    renew: async () => (await import('./renew.ts')).addRenew,
    why: async () => (await import('./why.ts')).addWhy,
    audit: async () => (await import('./audit.ts')).addAudit,
  },
  'This program:': {
    'install-links': async () => (await import('./install-links.ts')).addInstallLinks,
    completion: async () => (await import('./completion.ts')).addCompletion,
    licences: async () => (await import('./licences.ts')).addLicences,
    help: async () => (await import('./help.ts')).addHelpCommand,
  },
};

/** These look at all the others. */
const NEED_ALL: ReadonlySet<string> = new Set(['completion', 'help']);

/** Runs a command line (without the program's own name). Resolves to the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(args: readonly string[], ports: Ports): Promise<number> {
  try {
    const program = await createProgram(args[0], ports);
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) return fail(error, ports);
    throw error;
  }
}

/** Its commands: the one that is called, or all of them when it is none. Nothing is run. */
export async function createProgram(called: string | undefined, ports: Ports): Promise<Command> {
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
  const groups = Object.entries(COMMANDS);
  const isOneOf = (name: string): boolean => groups.some(([, group]) => Object.hasOwn(group, name));
  const needsAll = called !== '--version' && (called === undefined || NEED_ALL.has(called) || !isOneOf(called));
  for (const [heading, group] of groups) {
    const names = Object.keys(group).filter((name) => needsAll || name === called);
    const added = await Promise.all(names.map((name) => group[name]!()));
    program.commandsGroup(heading);
    for (const add of added) add(program, ports);
  }
  pointToHelp(program);
  return program;
}

function fail(error: UserError, { terminal }: Ports): number {
  const { red, bold } = createStyle(terminal.stderrIsTerminal);
  const where = error.position === undefined ? '' : `${bold(`${error.position.file}:${error.position.line}`)}: `;
  if (error.message !== '') terminal.stderr(`${red('peerage')}: ${where}${error.message}\n`);
  if (error.remedy !== undefined) terminal.stderr(`  ${error.remedy}\n`);
  return error.exitCode;
}
