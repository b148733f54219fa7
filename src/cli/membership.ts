/**
 * What a host keeps of having joined a network: where the registry is, the key it is known by there, and the peers it
 * was told of last. One file per interface, readable by root only, because of the host key.
 */
import { z } from 'zod';
import { parseJson } from '../agent/exchange.ts';
import { UserError } from '../errors.ts';
import { CidrText, HostKeyText, HostName, PeerView, PublicKeyText } from '../registry/wire.ts';
import { MEMBERSHIP_FOLDER, membershipPath } from './membership-path.ts';
import type { Ports } from './ports.ts';

/** What some two hundred peers take. */
const ROOM_BYTES = 65_536;

const Membership = z.object({
  /** URL without a trailing slash. */
  registry: z.string(),
  network: HostName,
  host: HostName,
  publicKey: PublicKeyText,
  hostKey: HostKeyText,
  addresses: z.array(CidrText),
  /** 0, or left out by an earlier Peerage: chosen by the tunnel. */
  listenPort: z.number().int().min(0).max(65535).default(0),
  /** When the others lose sight of it, unless it renews itself; null: never. Left out by an earlier Peerage. */
  expiresAt: z.iso.datetime().nullable().optional(),
  /** The list of peers that the interface and its file were last set to: without what peers of the host's own have. */
  version: z.number().int(),
  peers: z.array(PeerView),
  /** Public keys of all peers that may have been put there; those of `peers` unless said. Written before anything is put there. */
  managed: z.array(PublicKeyText).optional(),
});
export type Membership = z.infer<typeof Membership>;

type FilePorts = Pick<Ports, 'files'>;

/** Undefined when the interface belongs to no registry. */
export async function readMembership(ports: FilePorts, interfaceName: string): Promise<Membership | undefined> {
  const path = membershipPath(interfaceName);
  const text = await ports.files.read(path);
  if (text === undefined) return undefined;
  const parsed = Membership.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UserError(`${path} is damaged`, {
    remedy: `Have this host removed at the registry, remove ${path}, and join anew.`,
  });
}

/**
 * Before a host enrols: its key is answered once, so there has to be room for it then. Throws a UserError where there is none, or
 * nothing can be written.
 */
export async function expectRoom(ports: FilePorts, interfaceName: string): Promise<void> {
  const path = `${membershipPath(interfaceName)}.room`;
  await ports.files.write(path, ' '.repeat(ROOM_BYTES), { mode: 0o600 });
  await ports.files.remove(path);
}

export async function writeMembership(ports: FilePorts, interfaceName: string, membership: Membership): Promise<void> {
  await ports.files.write(membershipPath(interfaceName), `${JSON.stringify(membership, undefined, 2)}\n`, {
    mode: 0o600,
  });
}

export async function removeMembership(ports: FilePorts, interfaceName: string): Promise<void> {
  await ports.files.remove(membershipPath(interfaceName));
}

/** Interfaces of this host that belong to a registry. */
export async function listMemberships(ports: FilePorts): Promise<string[]> {
  const names = await ports.files.list(MEMBERSHIP_FOLDER);
  return names.flatMap((name) => /^(?<own>.+)(?<!\.firewall)\.json$/.exec(name)?.groups?.['own'] ?? []);
}
