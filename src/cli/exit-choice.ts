/**
 * Which peer this host lets have its default route. It is said here, by its administrator, and kept here: what a registry says is
 * not enough, since whoever broke into one could otherwise draw all traffic of all hosts to a peer.
 */
import type { exitState } from '../agent/held-exit.ts';
import { HostName } from '../registry/wire.ts';
import { MEMBERSHIP_FOLDER } from './membership-path.ts';
import type { Ports } from './ports.ts';

type FilePorts = Pick<Ports, 'files'>;

function exitPath(interfaceName: string): string {
  return `${MEMBERSHIP_FOLDER}/${interfaceName}.exit`;
}

/** The name of the host; undefined when there is none, or the file holds something else. */
export async function readExit({ files }: FilePorts, interfaceName: string): Promise<string | undefined> {
  const parsed = HostName.safeParse((await files.read(exitPath(interfaceName)))?.trim());
  return parsed.success ? parsed.data : undefined;
}

export async function writeExit({ files }: FilePorts, interfaceName: string, exit: string | undefined): Promise<void> {
  if (exit === undefined) return files.remove(exitPath(interfaceName));
  return files.write(exitPath(interfaceName), `${exit}\n`, { mode: 0o600 });
}

/** In a few words, for a person. */
export function describeExit(exit: string | undefined, state: ReturnType<typeof exitState>): string {
  const words = {
    none: 'none',
    'in use': `${exit}`,
    'not offered': `${exit}, which the registry does not offer: the default route goes its own way`,
    gone: `${exit}, gone: what is for the rest of the world is dropped, until \`peerage exit none\` or another exit`,
  };
  return words[state];
}
