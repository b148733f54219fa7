/** What can be completed, out of the commands themselves: the same for every shell. */
import type { Command } from 'commander';
import { commandPath } from './help.ts';

/** A command and what may follow it. */
export interface CompletionNode {
  /** Without the program's name: ``, `genkey`, `registry serve`, and `help registry` for what can be explained. */
  path: string;
  /** Subcommands, and the choices of its arguments. */
  words: readonly Completion[];
  /** With their dashes: `--json`. */
  options: readonly Completion[];
  /** Files that the interfaces have which its arguments may name: all arguments, or the first. */
  interfaces?: { files: readonly InterfaceFiles[]; areMany: boolean };
}

export interface Completion {
  text: string;
  description: string;
}

/** Each a file for an interface, `wg0.sock` or `wg0.conf`. */
type InterfaceFiles = '/var/run/wireguard/*.sock' | '/etc/wireguard/*.conf';
const RUNNING: InterfaceFiles = '/var/run/wireguard/*.sock';
const CONFIGURED: InterfaceFiles = '/etc/wireguard/*.conf';

/** Which interfaces a command is for; of the others, those that run. */
const INTERFACES: Readonly<Record<string, readonly InterfaceFiles[]>> = {
  up: [CONFIGURED],
  strip: [CONFIGURED],
  agent: [CONFIGURED],
  leave: [CONFIGURED],
  status: [CONFIGURED],
  'service install': [CONFIGURED],
  'service run': [CONFIGURED],
  doctor: [RUNNING, CONFIGURED],
  tun: [], // one that there is not yet
};

/** The program and all below it, each before its subcommands. */
export function completionNodes(program: Command): CompletionNode[] {
  const nodes = nodesBelow(program);
  const explained = nodes.filter(({ path, subcommands }) => path !== 'help' && subcommands.length > 0);
  return [
    ...nodes.map(({ subcommands, choices, ...node }) => ({
      ...node,
      words: [...(node.path === 'help' ? (explained[0]?.subcommands ?? []) : subcommands), ...choices],
    })),
    ...explained.slice(1).map(({ path, subcommands }) => ({ path: `help ${path}`, words: subcommands, options: [] })),
  ];
}

interface CommandNode extends Omit<CompletionNode, 'words'> {
  subcommands: readonly Completion[];
  choices: readonly Completion[];
}

function nodesBelow(command: Command): CommandNode[] {
  const path = commandPath(command).split(' ').slice(1).join(' ');
  const subcommands = command.commands.map((sub) => ({ text: sub.name(), description: sub.description() }));
  const choices = command.registeredArguments.flatMap((argument) =>
    (argument.argChoices ?? []).map((text) => ({ text, description: argument.description })),
  );
  const options = command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({ text: option.long ?? option.short ?? '', description: option.description }));
  const [argument] = command.registeredArguments;
  const files = argument?.name().startsWith('interface') === true ? (INTERFACES[path] ?? [RUNNING]) : [];
  const interfaces = { files, areMany: argument?.variadic === true };
  const node = { path, subcommands, choices, options, ...(files.length > 0 && { interfaces }) };
  return [node, ...command.commands.flatMap(nodesBelow)];
}
