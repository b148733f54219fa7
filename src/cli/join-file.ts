/** The interface's file, as `join` makes it: the private key alone at first, then all of what the registry answered. */
import { mergePeerList } from '../agent/merge.ts';
import { EMPTY_INTERFACE, type Config } from '../config/config.ts';
import { formatConfig } from '../config/format.ts';
import { parseConfigOrThrow } from '../config/parse.ts';
import { UserError } from '../errors.ts';
import { parseCidr } from '../ip.ts';
import type { PrivateKey } from '../keys.ts';
import type { Enrolled } from '../registry/wire.ts';
import { configPath } from './config-file.ts';
import { toPeerConfig } from './managed-peers.ts';
import type { Membership } from './membership.ts';
import type { Ports } from './ports.ts';

/** The private key of the interface's file, if it holds nothing else. */
export async function readKeyFile(ports: Ports, name: string): Promise<PrivateKey | undefined> {
  const path = configPath(name);
  const text = (await ports.files.read(path)) ?? '';
  const { privateKey } = parseConfigOrThrow(text, { file: path }).interface;
  return privateKey !== undefined && text === keyFileText(privateKey) ? privateKey : undefined;
}

export function keyFileText(privateKey: PrivateKey): string {
  return formatConfig({ interface: { ...EMPTY_INTERFACE, privateKey }, peers: [] });
}

/** Throws a UserError for a list that is not to be believed. `exit`: the host's own choice. */
export function toMembership(
  registry: string,
  { network, host, hostKey, version, peers }: Enrolled,
  exit: string | undefined,
): Membership {
  const nobody = { version: -1, peers: [] };
  const set = mergePeerList(nobody, { version, full: true, peers, removed: [] }, host.publicKey, exit);
  if (set === undefined)
    throw new UserError('The peers that the registry sent would draw the public Internet to them.', {
      remedy: 'Do not use what it sent; tell its administrator.',
    });
  return {
    registry,
    network: network.name,
    host: host.name,
    publicKey: host.publicKey,
    hostKey,
    addresses: host.addresses,
    listenPort: host.listenPort,
    expiresAt: host.expiresAt ?? null,
    version,
    peers: [...set.peers],
  };
}

/** The interface's file. Only out of a membership: what the registry said is checked on its way there. */
export function joinedFileText({ host, network, registry, ...membership }: Membership, privateKey: PrivateKey): string {
  const { listenPort } = membership;
  const addresses = membership.addresses.map(parseCidr).filter((address) => address !== undefined);
  const config: Config = {
    interface: { ...EMPTY_INTERFACE, privateKey, addresses, listenPort },
    peers: membership.peers.map(toPeerConfig),
  };
  const title = `${host} in the network ${network}, enrolled at ${registry}`;
  // Below a comment that ends too early, lines would be commands (PreUp), run as root.
  if (/[\r\n]/.test(title)) throw new TypeError('a name of the registry holds a line break');
  return `# ${title}
# The [Peer] sections of its hosts are kept current by \`peerage agent\`; everything else is yours to change.

${formatConfig(config)}`;
}
