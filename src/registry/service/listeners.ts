/**
 * Hosts that listen: each holds a socket, and is sent what changed of its view as soon as it has. The sockets are the runtime's;
 * what goes over them is decided here, for all of them at once, from one reading of the store.
 *
 * 1. Listening is a sign of life: ephemeral hosts among them are noted as seen.
 * 2. What is due is done, so that who expires is told.
 * 3. For each listener its own list is made by the functions that answer GET /v1/peers, from what was read once for all. So
 *    nobody is sent what it could not have asked for.
 *
 * A list that is too long for a frame is not sent: the host is told to ask for it, which spreads the load.
 */
import type { HostRecord, NetworkRecord } from '../store/port.ts';
import type { PeerList } from '../wire.ts';
import { authenticateAgain } from './credentials.ts';
import { collectDue, hasExpired, isUnseen, noteAllSeen, RETRY_MS, hostsWithDue } from './due.ts';
import { difference, fullList, listPeers } from './peers.ts';
import type { RegistryPorts } from './ports.ts';
import { needsFull, versionOfView } from './view.ts';

/** All that is remembered of a host while it listens. */
export interface Listener {
  /** Names the credential, opens nothing. */
  readonly credentialId: string;
  readonly hostId: string;
  readonly networkId: number;
  /** The version of the network up to which it has been told. */
  readonly version: number;
}

/** Why a socket is closed, in the range that RFC 6455 section 7.4.2 leaves to applications: HTTP's number and 4000. */
export const CLOSE = {
  spoke: 4400,
  revoked: 4401,
  expired: 4403,
  silent: 4408,
  replaced: 4409,
  tooMuch: 4413,
} as const;

/** At most 123 bytes each (RFC 6455 section 5.5.1). */
export const REASONS: Readonly<Record<number, string>> = {
  [CLOSE.spoke]: 'nothing but ping may be said here',
  [CLOSE.revoked]: 'the host key opens nothing any more',
  [CLOSE.expired]: 'the time of the host is up: POST /v1/renew',
  [CLOSE.silent]: 'no ping has come for a while',
  [CLOSE.replaced]: 'the host has opened newer ones',
  [CLOSE.tooMuch]: 'the news are too long for a frame: GET /v1/peers, then connect again',
};

/** What is to be done for a listener. */
export type Notice =
  /** What changed up to that version does not concern it. */
  | { readonly type: 'none'; readonly version: number }
  /** A PeerList as JSON; from then on the listener knows `version`. */
  | { readonly type: 'list'; readonly text: string; readonly version: number }
  | { readonly type: 'close'; readonly code: number };

export interface Notices {
  /** One for each listener, in their order. */
  readonly notices: readonly Notice[];
  /** When somebody has to look again although nothing changed; null: never. */
  readonly lookAgainAt: number | null;
}

/** Characters of one frame: the list of a network of a thousand hosts fits. */
const MAX_FRAME = 512 * 1024;
/** And of all frames of one notification, which wait in memory until they are sent. */
const MAX_FRAMES = 8 * 1024 * 1024;

/** For all who listen to one network: four queries, five with rules, however many they are. */
export async function notifyAll(
  networkId: number,
  listeners: readonly Listener[],
  ports: RegistryPorts,
): Promise<Notices> {
  const found = await readNetwork(networkId, ports);
  if (found === undefined) return { notices: listeners.map(() => close('revoked')), lookAgainAt: null };
  const isNews = await noteListening(listeners, found, ports);
  // In this order: a host that listens must not be collected for its silence.
  const wasDue = await collectDue(found.network, ports);
  const present = isNews || wasDue ? ((await readNetwork(networkId, ports)) ?? found) : found;
  return {
    notices: await compose(present, listeners, ports),
    lookAgainAt: lookAgainAt(present, listeners, ports),
  };
}

/** For one that has just begun to listen: two queries, one when it knows the newest. */
export async function notifyOne(listener: Listener, ports: RegistryPorts): Promise<Notices> {
  const caller = await authenticateAgain({ credentialId: listener.credentialId }, ports);
  if (!caller.ok)
    return { notices: [close(caller.reason === 'host-expired' ? 'expired' : 'revoked')], lookAgainAt: null };
  const { host, network } = caller.value;
  const again = lookAgainAt({ network, hosts: [host] }, [listener], ports);
  const peers = await listPeers(caller.value, listener.version, ports);
  return { notices: [list(peers, network)], lookAgainAt: again };
}

interface Found {
  readonly network: NetworkRecord;
  readonly hosts: readonly HostRecord[];
}

async function readNetwork(id: number, ports: RegistryPorts): Promise<Found | undefined> {
  const network = await ports.store.networkById(id);
  return network && { network, hosts: await hostsWithDue(network, ports) };
}

async function compose(
  { network, hosts }: Found,
  listeners: readonly Listener[],
  { store, wall }: RegistryPorts,
): Promise<Notice[]> {
  const behind = listeners.map(({ version }) => version).filter((version) => version < network.version);
  // Those who are told a whole list need no difference.
  const oldest = Math.max(
    1,
    behind.reduce((a, b) => Math.min(a, b), network.version),
  );
  const changed = behind.length === 0 ? [] : await store.hostsChangedSince(network.id, oldest);
  const tagVersions = network.rules === null ? [] : await store.tagVersions(network.id);
  const newsAfter = memoize((version: number) => changed.filter((other) => other.version > version));
  const byId = new Map(hosts.map((host) => [host.id, host]));
  let room = MAX_FRAMES;
  return listeners.map(({ hostId, version }) => {
    const host = byId.get(hostId);
    if (host === undefined) return close('revoked');
    if (hasExpired(host, wall())) return close('expired');
    const view = { host, network, version: versionOfView({ host, network }, tagVersions) };
    // What a listener has been told is a version of the network, and may be later than that of its view.
    const isFull = needsFull({ ...view, version: network.version }, version);
    const peers = isFull ? fullList(view, hosts) : difference(view, newsAfter(version));
    const notice = list(peers, network);
    room -= notice.type === 'list' ? notice.text.length : 0;
    return room < 0 ? close('tooMuch') : notice;
  });
}

/** Nearly all listeners know the same version. */
function memoize<T>(compute: (version: number) => T): (version: number) => T {
  const known = new Map<number, T>();
  return (version) => {
    const value = known.get(version) ?? compute(version);
    known.set(version, value);
    return value;
  };
}

/** True when somebody was noted, which may change what is due when. */
async function noteListening(
  listeners: readonly Listener[],
  { network, hosts }: Found,
  ports: RegistryPorts,
): Promise<boolean> {
  const at = ports.wall();
  const listening = new Set(listeners.map(({ hostId }) => hostId));
  const unseen = hosts.filter((host) => listening.has(host.id) && isUnseen(host, network, at)).map(({ id }) => id);
  if (unseen.length === 0) return false;
  await noteAllSeen(unseen, network, ports);
  return true;
}

/** When something is due, or an ephemeral host has listened in silence for half as long as it may. */
function lookAgainAt(
  { network: { nextDueAt, silenceSeconds }, hosts }: Found,
  listeners: readonly Listener[],
  { wall }: RegistryPorts,
): number | null {
  const listening = new Set(listeners.map(({ hostId }) => hostId));
  const halfSilent = hosts
    .filter((host) => host.ephemeral && host.seenAt !== null && listening.has(host.id))
    .map((host) => (host.seenAt ?? 0) + 500 * silenceSeconds);
  const times = [...(nextDueAt === null ? [] : [nextDueAt]), ...halfSilent];
  if (times.length === 0) return null;
  const [first, at] = [times.reduce((a, b) => Math.min(a, b)), wall()];
  // What is past could not be written.
  return first > at ? first : at + RETRY_MS;
}

/** What is in the frame is the host's version, what is remembered of it that of the network. */
function list(peers: PeerList, { version }: NetworkRecord): Notice {
  if (!peers.full && peers.peers.length === 0 && peers.removed.length === 0) return { type: 'none', version };
  const text = JSON.stringify(peers);
  return text.length > MAX_FRAME ? close('tooMuch') : { type: 'list', text, version };
}

function close(why: keyof typeof CLOSE): Notice {
  return { type: 'close', code: CLOSE[why] };
}
