/** Finding and reading the configuration of an interface, by the rules of wg-quick(8). */
import { isNamed, type Entry } from '../config/lines.ts';
import type { Config } from '../config/config.ts';
import { ConfigError, describeProblem, draftConfig, parseConfigOrThrow, type Problem } from '../config/parse.ts';
import { UserError } from '../errors.ts';
import type { Ports } from './ports.ts';

/** What the kernel takes as a name and nothing in a path or a shell line minds. */
const INTERFACE_NAME = /^[a-zA-Z0-9_=+.-]{1,15}$/;

const OTHERS_ANY = 0o007;

export interface ConfigFile {
  /** The interface. */
  name: string;
  path: string;
  text: string;
  config: Config;
}

/** As far as it is about the interface itself, not its peers. */
export type InterfaceFile = Omit<ConfigFile, 'config'> & {
  config: Pick<Config, 'interface'>;
  /** Some of its lines could not be understood. */
  isDamaged?: true;
};

export function configPath(name: string): string {
  return `/etc/wireguard/${name}.conf`;
}

/** Throws a UserError (wrong usage) for what cannot be an interface. */
export function expectInterfaceName(name: string): void {
  if (!INTERFACE_NAME.test(name) || name === '.' || name === '..')
    throw new UserError(`"${name}" cannot be the name of an interface.`, {
      remedy: 'It is 1 to 15 letters, digits and _ = + . -',
      exitCode: 2,
    });
}

/** For a person at a terminal, who is told when others can read the file. */
export async function readConfigFile(
  ports: Pick<Ports, 'files' | 'terminal'>,
  nameOrPath: string,
): Promise<ConfigFile> {
  const found = await findConfigFile(ports, nameOrPath);
  await warnWhenExposed(ports, found.path);
  return withConfig(found);
}

/**
 * For `down` and `save`: a file that was damaged after `up` must not keep the interface up. Mistakes in what they have no use for
 * are warnings.
 */
export async function readInterfaceFile(
  ports: Pick<Ports, 'files' | 'terminal'>,
  nameOrPath: string,
): Promise<InterfaceFile> {
  const found = await findConfigFile(ports, nameOrPath);
  await warnWhenExposed(ports, found.path);
  return draftInterface(ports, found, (problems) => {
    // Whether to write the file is not to be guessed.
    if (problems.some(({ key }) => key === 'SaveConfig')) throw new ConfigError(problems);
  });
}

/** For `leave`: whatever there is of the file of this interface, down to nothing at all. */
export async function readRemains(ports: Pick<Ports, 'files' | 'terminal'>, name: string): Promise<InterfaceFile> {
  const path = configPath(name);
  const text = (await ports.files.read(path)) ?? '';
  return draftInterface(ports, { name, path, text }, () => undefined);
}

function draftInterface(
  ports: Pick<Ports, 'terminal'>,
  found: Pick<ConfigFile, 'name' | 'path' | 'text'>,
  judge: (problems: readonly Problem[]) => void,
): InterfaceFile {
  const { interface: own, problems, source } = draftConfig(found.text, { file: found.path });
  judge(problems);
  for (const problem of problems)
    ports.terminal.stderr(`Warning: ${problem.file}:${problem.line}: ${describeProblem(problem)}\n`);
  // As they are written: name servers that were set are to be taken back although a wrong one stands beside them by now.
  const entries = source.interface?.entries ?? [];
  const table = entries.findLast((entry) => isNamed(entry.key, 'Table'))?.value || undefined;
  const config = { interface: { ...own, dns: listed(entries, 'DNS'), table } };
  return { ...found, config, ...(problems.length === 0 ? {} : { isDamaged: true }) };
}

/** For what reads it again and again. */
export async function readConfigFileQuietly(ports: Pick<Ports, 'files'>, nameOrPath: string): Promise<ConfigFile> {
  return withConfig(await findConfigFile(ports, nameOrPath));
}

function withConfig(found: Pick<ConfigFile, 'name' | 'path' | 'text'>): ConfigFile {
  return { ...found, config: parseConfigOrThrow(found.text, { file: found.path }) };
}

/**
 * `wg0` stands for /etc/wireguard/wg0.conf; anything else is the path of a file that is named after its interface. The text
 * as it is, whether or not it can be understood.
 */
export async function findConfigFile(
  ports: Pick<Ports, 'files'>,
  nameOrPath: string,
): Promise<Pick<ConfigFile, 'name' | 'path' | 'text'>> {
  const given = INTERFACE_NAME.test(nameOrPath) ? configPath(nameOrPath) : nameOrPath;
  const text = await ports.files.read(given);
  if (text === undefined)
    throw new UserError(`\`${given}' does not exist`, {
      remedy: 'Write it, or enrol this host: peerage join HOST/TOKEN',
    });
  const name = /(?:^|\/)([^/]+)\.conf$/.exec(given)?.[1] ?? '';
  if (!INTERFACE_NAME.test(name))
    throw new UserError('The config file must be a valid interface name, followed by .conf', {
      remedy: `Rename "${given}", for example to wg0.conf.`,
      exitCode: 2,
    });
  return { name, path: await ports.files.realPath(given), text };
}

/** The values of Address as they are written: shown, and handed to ip(8), as wg-quick(8) does. */
export function writtenAddresses({ text, path }: Pick<ConfigFile, 'text' | 'path'>): string[] {
  return listed(draftConfig(text, { file: path }).source.interface?.entries ?? [], 'Address');
}

function listed(entries: readonly Entry[], key: string): string[] {
  return entries
    .filter((entry) => isNamed(entry.key, key))
    .flatMap((entry) => entry.value.split(/[\s,]+/))
    .filter((item) => item !== '');
}

/** It usually holds a private key. A folder that others cannot enter protects it as well. */
export async function warnWhenExposed(ports: Pick<Ports, 'files' | 'terminal'>, path: string): Promise<void> {
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '.';
  const [fileMode, folderMode] = [await ports.files.mode(path), await ports.files.mode(folder)];
  if (((fileMode ?? 0) & (folderMode ?? 0) & OTHERS_ANY) === 0) return;
  ports.terminal.stderr(`Warning: \`${path}' is world accessible\n`);
}
