/** What a host sees of its network: the others that the rules let it see, and nothing of the rest. */
import { parseCidr } from '../../ip.ts';
import { NAT_KEEPALIVE_SECONDS } from '../../network/nat.ts';
import type { HostRecord, NetworkRecord } from '../store/port.ts';
import type { HostConfig, PeerList, PeerView } from '../wire.ts';
import { perObject } from '../render/per-object.ts';
import { authenticateAgain, type HostCaller } from './credentials.ts';
import { isOverdue, RETRY_MS, hostsWithDue } from './due.ts';
import { endpointFor, familiesOf } from './endpoints.ts';
import { exitIdOf, exitOf, routesFor, withClosedExit } from './exits.ts';
import type { RegistryPorts, Waiting } from './ports.ts';
import { done, type Result } from './result.ts';
import { isPresent, sees } from './sight.ts';
import { trusted } from './subnets.ts';
import { hasNews, needsFull, viewOf, type View } from './view.ts';
import { awaitRing, type Turn } from './waiting.ts';

/** So many ways to see one list are remembered: in a large network each takes as much room as the list. */
const SIGHTS_LIMIT = 16;

/** The peers, or what changed of them after the version `since`. */
export async function listPeers(
  caller: HostCaller,
  since: number | undefined,
  ports: RegistryPorts,
): Promise<PeerList> {
  const view = await viewOf(caller, ports);
  const { network } = view;
  // What is due and not written has no version: no difference tells of it.
  if (since === undefined || needsFull(view, since) || isOverdue(network, ports.wall()))
    return fullList(view, await hostsWithDue(network, ports));
  return difference(view, hasNews(view, since) ? await ports.store.hostsChangedSince(network.id, since) : []);
}

/** `others`: all hosts of the network. */
export function fullList({ host, network, version }: View, others: readonly HostRecord[]): PeerList {
  return { version, full: true, peers: viewPeers(host, network, others), removed: [] };
}

/** `changed`: the hosts that changed since the version that the caller has seen, removed ones included. */
export function difference({ host, network, version }: View, changed: readonly HostRecord[]): PeerList {
  const seen = changed.filter((other) => sees(host.tags, other.tags, network.rules));
  const present = new Set(seen.filter(isPresent).map((other) => other.publicKey));
  const gone = seen.filter((other) => !isPresent(other) && !present.has(other.publicKey));
  return {
    version,
    full: false,
    peers: viewPeers(host, network, changed),
    removed: [...new Set(gone.map((other) => other.publicKey))],
  };
}

export async function hostConfig(caller: HostCaller, ports: RegistryPorts): Promise<HostConfig> {
  const view = await viewOf(caller, ports);
  return viewHostConfig(view, await hostsWithDue(view.network, ports));
}

/** `others` may hold the host itself. */
export function viewHostConfig({ host, network, version }: View, others: readonly HostRecord[]): HostConfig {
  return {
    network: { name: network.name, suffix: network.suffix, ranges: [...network.ranges] },
    host: {
      name: host.name,
      publicKey: host.publicKey,
      addresses: host.addresses.map((address, i) => `${address}/${trusted(network.ranges[i]!).prefixLength}`),
      listenPort: host.listenPort,
      endpoint: host.endpoint,
      routes: [...host.routes],
      requestedRoutes: [...host.requestedRoutes],
      exit: exitOf(host, network, others),
      expiresAt: host.expiresAt === null ? null : new Date(host.expiresAt).toISOString(),
    },
    version,
    peers: [...withClosedExit(host, viewPeers(host, network, others), { others, rules: network.rules })],
  };
}

/**
 * Waits until there is something that the caller has not seen, and gives it as it is then: it may have been revoked meanwhile. Undefined when
 * the time is up, or everything ends.
 */
export async function awaitNews(
  caller: HostCaller,
  seen: number,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ports: RegistryPorts,
): Promise<Result<View & HostCaller> | undefined> {
  let turn: Turn = { leftMs: timeoutMs };
  for (let present = caller; ;) {
    // oxlint-disable-next-line no-await-in-loop -- looking and waiting by turns
    const view = await viewOf(present, ports);
    if (hasNews(view, seen)) return done(view);
    if (turn.leftMs <= 0) return undefined;
    const until = { ...turn, lookAgainMs: waitMs(view, turn.leftMs, ports), signal };
    // oxlint-disable-next-line no-await-in-loop -- as above
    turn = await awaitRing(view.network.id, waiterOf(view), until, ports);
    // oxlint-disable-next-line no-await-in-loop -- as above
    const again = await authenticateAgain(present, ports);
    if (!again.ok) return again;
    present = again.value;
  }
}

export function waiterOf({ host, network }: Pick<HostCaller, 'host' | 'network'>): Waiting {
  return { hostId: host.id, tags: host.tags, seen: network.version };
}

/** How long to wait for a change, at most: what is due meanwhile nobody rings for, so the one who waits sees to it. */
export function waitMs({ network }: HostCaller, timeoutMs: number, { wall }: Pick<RegistryPorts, 'wall'>): number {
  const at = wall();
  return Math.min(timeoutMs, isOverdue(network, at) ? RETRY_MS : (network.nextDueAt ?? Infinity) - at);
}

function viewPeers(host: HostRecord, { rules }: NetworkRecord, others: readonly HostRecord[]): PeerView[] {
  // Names of hosts that are present are unique.
  return inSight(others, host, rules).filter(({ name }) => name !== host.name);
}

/** What hosts that are alike see of a list: in a large network many of them ask for it at the same version. */
function inSight(others: readonly HostRecord[], host: HostRecord, rules: NetworkRecord['rules']): readonly PeerView[] {
  const views = viewsOfList(others);
  const kind = kindOf(host);
  // All that the result depends on besides the list: never what another sight would show.
  const sight = JSON.stringify([kind, host.exitHostId, rules, rules === null ? null : host.tags]);
  const known = views.get(sight);
  if (known !== undefined) return known;
  const exitId = exitIdOf(host);
  const seen = others
    .filter((other) => isPresent(other) && sees(host.tags, other.tags, rules))
    .map((other) => viewPeer(host, { kind, exitId }, other));
  if (views.size < SIGHTS_LIMIT) views.set(sight, seen);
  return seen;
}

/** What of a host decides how it sees any other, but for its exit. */
function kindOf(host: HostRecord): string {
  const families = familiesOf(host);
  return `${host.endpoint === null} ${families.has(4)} ${families.has(6)}`;
}

function viewPeer(
  host: HostRecord,
  { kind, exitId }: { kind: string; exitId: string | undefined },
  other: HostRecord,
): PeerView {
  const isExit = other.id === exitId;
  const views = isExit ? exitViewsOf(other) : viewsOf(other);
  const known = views.get(kind);
  if (known !== undefined) return known;
  const view = {
    name: other.name,
    publicKey: other.publicKey,
    endpoint: endpointFor(host, other),
    ...(other.nextPublicKey !== null && { nextPublicKey: other.nextPublicKey }),
    allowedIps: [...other.addresses.map(singleAddress), ...routesFor(exitId, other)],
    persistentKeepalive: host.endpoint === null ? NAT_KEEPALIVE_SECONDS : 0,
  };
  views.set(kind, view);
  return view;
}

const viewsOf = perObject<HostRecord, Map<string, PeerView>>(() => new Map());
const exitViewsOf = perObject<HostRecord, Map<string, PeerView>>(() => new Map());
const viewsOfList = perObject<readonly HostRecord[], Map<string, readonly PeerView[]>>(() => new Map());

function singleAddress(address: string): string {
  return `${address}/${parseCidr(address)?.prefixLength}`;
}
