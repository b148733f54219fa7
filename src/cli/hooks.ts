/**
 * The administrator's own lines: PreUp, PostUp, PreDown, PostDown.
 *
 * They are shell lines by definition, and the only thing here that ever meets a shell: bash where there is one, as under
 * wg-quick(8), else sh. Nothing but `%i`, a checked interface name, is put into them, and none of them ever comes
 * from a registry's peer list.
 */
import { UserError } from '../errors.ts';
import { parsePrivateKey } from '../keys.ts';
import type { ConfigFile } from './config-file.ts';
import type { Ports } from './ports.ts';
import { showStep, StepError } from './steps.ts';
import { changeTunnel } from './tunnel.ts';

type HookPorts = Pick<Ports, 'processes' | 'terminal' | 'files' | 'uapi'>;

/** The one line that every enrolled host has. It is done here, so that it works where wg(8) is not installed. */
const SET_PRIVATE_KEY = /^(?:wg|peerage) set %i private-key (?<file>[\w./+@=-]+)$/;

type HookFile = Pick<ConfigFile, 'name' | 'path'>;

/** Runs the lines in their order. Throws a UserError at the first that fails. */
export async function runHooks(ports: HookPorts, file: HookFile, lines: readonly string[]): Promise<void> {
  const { name } = file;
  for (const line of lines) {
    const text = line.replaceAll('%i', name);
    showStep(ports, text);
    const keyFile = SET_PRIVATE_KEY.exec(line)?.groups?.['file'];
    // Each may need what the one before it did.
    await (keyFile === undefined ? runShell(ports, file, text) : setPrivateKey(ports, name, keyFile));
  }
}

/** What wg-quick(8) sets in the shell that its hooks run in: a line ends where one of its commands fails. */
const BASH = ['bash', '-e', '-o', 'pipefail', '-O', 'extglob'] as const;

async function runShell(ports: HookPorts, { name, path }: HookFile, text: string): Promise<void> {
  const [shell, ...options]: readonly [string, ...string[]] = (await ports.processes.has('bash')) ? BASH : ['sh', '-e'];
  // The variables of wg-quick(8) that people's hooks use.
  const env = { LC_ALL: 'C', INTERFACE: name, CONFIG_FILE: path };
  const { exitCode } = await ports.processes.run(shell, [...options, '-c', text], { output: 'inherit', env });
  if (exitCode !== 0) throw new StepError(`the hook "${text}" failed with exit code ${exitCode}`, exitCode);
}

async function setPrivateKey(ports: HookPorts, name: string, file: string): Promise<void> {
  const text = await ports.files.read(file);
  if (text === undefined) throw new UserError(`the private key file ${file} does not exist`);
  const privateKey = parsePrivateKey(text.trim());
  if (privateKey === undefined)
    throw new UserError(`${file} holds no private key: expected 44 characters of base64`, {
      remedy: 'Make one with: peerage genkey',
    });
  await changeTunnel(ports, name, { privateKey });
}
