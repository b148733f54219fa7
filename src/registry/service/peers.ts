/** What a host sees of its network: the others that the rules let it see, and nothing of the rest. */
import { parseCidr } from '../../ip.ts';
import { NAT_KEEPALIVE_SECONDS } from '../../network/nat.ts';
import type { HostRecord, NetworkRecord } from '../store/port.ts';
import type { HostConfig, PeerList, PeerView } from '../wire.ts';
import { perObject } from '../render/per-object.ts';
import { authenticateAgain, type HostCaller } from './credentials.ts';
import { isOverdue, RETRY_MS, hostsWithDue } from './due.ts';
import { endpointFor, familiesOf } from './endpoints.ts';
import { exitOf, routesFor } from './exits.ts';
import type { RegistryPorts } from './ports.ts';
import { done, type Result } from './result.ts';
import { isPresent, sees } from './sight.ts';
import { trusted } from './subnets.ts';

/** So many ways to see one list are remembered: in a large network each takes as much room as the list. */
const SIGHTS_LIMIT = 16;

/** The peers, or what changed of them after the version `since`. */
export async function listPeers(
  caller: HostCaller,
  since: number | undefined,
  ports: RegistryPorts,
): Promise<PeerList> {
  const { id, version } = caller.network;
  // What is due and not written has no version: no difference tells of it.
  if (since === undefined || needsFull(caller, since) || isOverdue(caller.network, ports.wall()))
    return fullList(caller, await hostsWithDue(caller.network, ports));
  return difference(caller, since === version ? [] : await ports.store.hostsChangedSince(id, since));
}

/**
 * Whether what changed after `since` would not do: the version is none of ours, the asking host itself has changed, since how it
 * sees the others depends on itself, or whom it may see has.
 */
export function needsFull({ host, network }: HostCaller, since: number): boolean {
  return since < 1 || since > network.version || host.version > since || host.viewVersion > since;
}

/** `others`: all hosts of the network. */
export function fullList({ host, network }: HostCaller, others: readonly HostRecord[]): PeerList {
  return { version: network.version, full: true, peers: viewPeers(host, network, others), removed: [] };
}

/** `changed`: the hosts that changed since the version that the caller has seen, removed ones included. */
export function difference({ host, network }: HostCaller, changed: readonly HostRecord[]): PeerList {
  const seen = changed.filter((other) => sees(host.tags, other.tags, network.rules));
  const present = new Set(seen.filter(isPresent).map((other) => other.publicKey));
  const gone = seen.filter((other) => !isPresent(other) && !present.has(other.publicKey));
  return {
    version: network.version,
    full: false,
    peers: viewPeers(host, network, changed),
    removed: [...new Set(gone.map((other) => other.publicKey))],
  };
}

export async function hostConfig({ host, network }: HostCaller, ports: RegistryPorts): Promise<HostConfig> {
  return viewHostConfig(host, network, await hostsWithDue(network, ports));
}

/** `others` may hold the host itself. */
export function viewHostConfig(host: HostRecord, network: NetworkRecord, others: readonly HostRecord[]): HostConfig {
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
    version: network.version,
    peers: viewPeers(host, network, others),
  };
}

/**
 * Waits until the network is past the version that the caller has seen, or the time is up, and looks the caller up again:
 * it may have been revoked meanwhile.
 */
export async function awaitChange(
  caller: HostCaller,
  seen: number,
  wait: { timeoutMs: number; signal: AbortSignal },
  ports: RegistryPorts,
): Promise<Result<HostCaller>> {
  // A version from the future was seen before a backup came back: there is news at once.
  if (caller.network.version !== seen) return done(caller);
  await ports.bell.wait(caller.network.id, seen, waitMs(caller, wait.timeoutMs, ports), wait.signal);
  return authenticateAgain(caller, ports);
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
  const seen = others
    .filter((other) => isPresent(other) && sees(host.tags, other.tags, rules))
    .map((other) => viewPeer(host, kind, other));
  if (views.size < SIGHTS_LIMIT) views.set(sight, seen);
  return seen;
}

/** What of a host decides how it sees any other, but for its exit. */
function kindOf(host: HostRecord): string {
  const families = familiesOf(host);
  return `${host.endpoint === null} ${families.has(4)} ${families.has(6)}`;
}

function viewPeer(host: HostRecord, kind: string, other: HostRecord): PeerView {
  const isExit = other.id === host.exitHostId;
  const views = isExit ? exitViewsOf(other) : viewsOf(other);
  const known = views.get(kind);
  if (known !== undefined) return known;
  const view = {
    name: other.name,
    publicKey: other.publicKey,
    endpoint: endpointFor(host, other),
    ...(other.nextPublicKey !== null && { nextPublicKey: other.nextPublicKey }),
    allowedIps: [...other.addresses.map(singleAddress), ...routesFor(host, other)],
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
