/** Hosts as an administrator sees and changes them, and as they leave. */
import { formatCidr } from '../../ip.ts';
import type { HostChanges, HostRecord, NetworkRecord, Page } from '../store/port.ts';
import type { HostPatch, HostView } from '../wire.ts';
import type { AdminCaller, HostCaller } from './credentials.ts';
import { withDue } from './due.ts';
import { parseEndpoint } from './endpoints.ts';
import { chosenExitOf, closedRoutes, exitIdOf, findExit } from './exits.ts';
import { findNetwork } from './networks.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Refusal, type Result } from './result.ts';
import { canonicalTags, whoNotices, whoSees } from './sight.ts';
import { areFree, divide, isExitRoute, parseSubnets, trusted } from './subnets.ts';

const ATTEMPTS = 8;

/** Which host: by the names in the path. */
export interface HostPath {
  network: string;
  host: string;
}

/** By name; `after` is the last name of the page before. */
export async function listHosts(
  networkName: string,
  page: Page,
  ports: RegistryPorts,
): Promise<Result<{ hosts: HostView[]; next: string | null }>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  // One more than asked for tells whether there is another page.
  const found = await ports.store.listHosts(network.value.id, { ...page, limit: page.limit + 1 });
  const shown = found.slice(0, page.limit);
  const there = withDue(shown, network.value, ports).filter(({ deletedAt }) => deletedAt === null);
  const hosts = await viewHosts(there, network.value, ports);
  return done({ hosts, next: found.length > page.limit ? shown.at(-1)!.name : null });
}

export async function getHost(path: HostPath, ports: RegistryPorts): Promise<Result<HostView>> {
  const found = await findHost(path, ports);
  return found.ok ? done(await viewHost(found.value.host, found.value.network, ports)) : found;
}

/** `ifVersion` is the host's version that the administrator has seen. */
export async function changeHost(
  path: HostPath,
  patch: HostPatch,
  { actor, requestId, ifVersion }: AdminCaller & { ifVersion: number },
  ports: RegistryPorts,
): Promise<Result<HostView>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await findHost(path, ports);
    if (!found.ok) return found;
    const { host, network } = found.value;
    if (!isCurrent(host, ifVersion)) return refuseStale(path);
    const changes = await checkPatch(patch, host, network, ports);
    if (!changes.ok) return changes;
    const newViewsOf = await whoSeesOthers(host, changes.value, network, ports);
    const act = { actor, requestId, at: ports.wall(), ifVersion: network.version, newViewsOf, detail: patch };
    const changed = await ports.store.changeHost(host, changes.value, act);
    if (changed !== undefined) {
      ports.bell.ring(network.id, changed.version, whoSees([host, changed], network.rules));
      return done(await viewHost(changed, network, ports));
    }
  }
  return { ...refuse('busy', 'The network changes too fast at this moment. Try again.'), retryAfterSeconds: 5 };
}

export async function removeHost(
  path: HostPath,
  { actor, requestId, ifVersion }: AdminCaller & { ifVersion?: number | undefined },
  ports: RegistryPorts,
): Promise<Result<undefined>> {
  const found = await findHost(path, ports);
  if (!found.ok) return found;
  const isRemoved =
    isCurrent(found.value.host, ifVersion) && (await remove(found.value, { actor, requestId, ifVersion }, ports));
  // Without a word about what was read, one that somebody else has removed meanwhile is as good.
  return isRemoved || ifVersion === undefined ? done(undefined) : refuseStale(path);
}

/** By its own wish. */
export async function leave({ host, network, requestId }: HostCaller, ports: RegistryPorts): Promise<void> {
  await remove({ host, network }, { actor: `host:${host.name}`, requestId }, ports);
}

export async function viewHost(host: HostRecord, network: NetworkRecord, ports: RegistryPorts): Promise<HostView> {
  const [view] = await viewHosts([host], network, ports);
  return view!; // one for each
}

async function viewHosts(
  hosts: readonly HostRecord[],
  network: NetworkRecord,
  ports: RegistryPorts,
): Promise<HostView[]> {
  const ids = [...new Set(hosts.flatMap((host) => exitIdOf(host) ?? []))];
  const found = ids.length === 0 ? [] : withDue([...(await ports.store.hostsById(ids)).values()], network, ports);
  const exits = new Map(found.map((exit) => [exit.id, exit]));
  return hosts.map((host) => {
    const exit = exits.get(exitIdOf(host) ?? '');
    return describe(host, { exit: chosenExitOf(host, exit), exitClosed: [...closedRoutes(host, exit, network.rules)] });
  });
}

function describe(host: HostRecord, exit: Pick<HostView, 'exit' | 'exitClosed'>): HostView {
  const { name, publicKey, listenPort, endpoint, observedEndpoint, otherEndpoint } = host;
  return {
    name,
    publicKey,
    addresses: [...host.addresses],
    listenPort,
    endpoint,
    observedEndpoint: endpoint === null ? observedEndpoint : null,
    otherEndpoint: endpoint === null ? otherEndpoint : null,
    routes: [...host.routes],
    requestedRoutes: [...host.requestedRoutes],
    ...exit,
    tags: [...host.tags],
    ephemeral: host.ephemeral,
    nextPublicKey: host.nextPublicKey,
    expiresAt: host.expiresAt === null ? null : new Date(host.expiresAt).toISOString(),
    seenAt: host.seenAt === null ? null : new Date(host.seenAt).toISOString(),
    version: revisionOf(host),
    createdAt: new Date(host.createdAt).toISOString(),
  };
}

/** Moves with every change of a host, also those that no other host sees: what an administrator has read, and If-Match names. */
function revisionOf({ version, viewVersion }: HostRecord): number {
  return Math.max(version, viewVersion);
}

/** Whether it is as the administrator has read it, who may not have said. */
function isCurrent(host: HostRecord, ifVersion: number | undefined): boolean {
  return ifVersion === undefined || revisionOf(host) === ifVersion;
}

export function refuseStale({ host }: HostPath): Refusal {
  return refuse('stale', `The host ${host} has changed since. Read it again, then repeat the change.`);
}

export async function findHost(
  path: HostPath,
  ports: RegistryPorts,
): Promise<Result<{ host: HostRecord; network: NetworkRecord }>> {
  const network = await findNetwork(path.network, ports);
  if (!network.ok) return network;
  const host = await ports.store.findHost(network.value.id, path.host);
  const [there] = host === undefined ? [] : withDue([host], network.value, ports);
  if (host === undefined || there?.deletedAt !== null)
    return refuse('not-found', `The network ${path.network} has no host ${path.host}.`);
  return done({ host, network: network.value });
}

async function checkPatch(
  patch: HostPatch,
  host: HostRecord,
  network: NetworkRecord,
  ports: RegistryPorts,
): Promise<Result<HostChanges>> {
  const endpoint =
    typeof patch.endpoint === 'string' ? parseEndpoint(patch.endpoint, '/endpoint') : done(patch.endpoint);
  if (!endpoint.ok) return endpoint;
  const needsOthers = patch.routes !== undefined || typeof patch.exit === 'string';
  const others = needsOthers ? await ports.store.listHosts(network.id) : [];
  const routes = checkRoutes(patch, host, network, others);
  if (!routes.ok) return routes;
  const tags = patch.tags === undefined ? host.tags : canonicalTags(patch.tags);
  const exit =
    typeof patch.exit === 'string' ? findExit(patch.exit, { id: host.id, tags }, network, others) : done(patch.exit);
  if (!exit.ok) return exit;
  return done({
    ...routes.value,
    ...(endpoint.value !== undefined && { endpoint: endpoint.value }),
    ...(patch.listenPort !== undefined && { listenPort: patch.listenPort }),
    ...(exit.value !== undefined && { exitHostId: exit.value }),
    ...(patch.tags !== undefined && { tags }),
  });
}

/** What is approved waits no more; what is left out of `requestedRoutes` is refused. */
function checkRoutes(
  patch: HostPatch,
  host: HostRecord,
  network: NetworkRecord,
  others: readonly HostRecord[],
): Result<Pick<HostChanges, 'routes' | 'requestedRoutes'>> {
  if (patch.routes === undefined && patch.requestedRoutes === undefined) return done({});
  const routes = parseSubnets(patch.routes ?? host.routes, '/routes');
  if (!routes.ok) return routes;
  const wanted = others.filter((other) => other.id !== host.id);
  const free = patch.routes === undefined ? done(undefined) : areFree(routes.value, network, wanted);
  if (!free.ok) return free;
  const asked = host.requestedRoutes.filter((text) => patch.requestedRoutes?.includes(text) !== false);
  const strange = patch.requestedRoutes?.findIndex((text) => !host.requestedRoutes.includes(text)) ?? -1;
  if (strange >= 0)
    return refuse('invalid', `${host.name} has not asked for this route.`, `/requestedRoutes/${strange}`);
  const approved = routes.value.map(formatCidr);
  const { others: waiting } = divide(asked.map(trusted), approved);
  return done({ routes: approved, requestedRoutes: waiting.map(formatCidr) });
}

/** Ids of the hosts that the change lets see the host, or no longer see it. */
async function whoSeesOthers(
  host: HostRecord,
  { tags }: HostChanges,
  { id, rules }: NetworkRecord,
  { store }: RegistryPorts,
): Promise<string[]> {
  if (tags === undefined || rules === null) return [];
  return whoNotices(host, tags, await store.listHosts(id), rules).map((other) => other.id);
}

async function remove(
  { host, network }: { host: HostRecord; network: NetworkRecord },
  by: AdminCaller & { ifVersion?: number | undefined },
  { store, bell, wall }: RegistryPorts,
): Promise<boolean> {
  if (!(await store.removeHost(host, { ...by, at: wall() }))) return false;
  const version = (await store.networkVersion(network.id))?.version;
  // Whoever used it as an exit may have lost sight of it since, and uses none now.
  const isExit = host.routes.some((route) => isExitRoute(trusted(route)));
  if (version !== undefined) bell.ring(network.id, version, isExit ? undefined : whoSees([host], network.rules));
  return true;
}
