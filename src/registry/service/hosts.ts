/** Hosts as an administrator sees and changes them, and as they leave. */
import { formatCidr } from '../../ip.ts';
import type { HostChanges, HostRecord, NetworkRecord, Page } from '../store/port.ts';
import type { HostPatch, HostView } from '../wire.ts';
import type { AdminCaller, HostCaller } from './credentials.ts';
import { parseEndpoint } from './endpoints.ts';
import { findNetwork } from './networks.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';
import { canonicalTags, whoNotices } from './sight.ts';
import { areFree, parseSubnets } from './subnets.ts';

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
  const hosts = found.slice(0, page.limit).map(viewHost);
  return done({ hosts, next: found.length > page.limit ? hosts.at(-1)!.name : null });
}

export async function getHost(path: HostPath, ports: RegistryPorts): Promise<Result<HostView>> {
  const found = await findHost(path, ports);
  return found.ok ? done(viewHost(found.value.host)) : found;
}

/** `ifVersion` is the host's version that the administrator has seen. */
export async function changeHost(
  path: HostPath,
  patch: HostPatch,
  { actor, ifVersion }: AdminCaller & { ifVersion: number },
  ports: RegistryPorts,
): Promise<Result<HostView>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await findHost(path, ports);
    if (!found.ok) return found;
    const { host, network } = found.value;
    if (host.version !== ifVersion)
      return refuse('stale', `The host ${host.name} has changed since. Read it again, then repeat the change.`);
    const changes = await checkPatch(patch, host, network, ports);
    if (!changes.ok) return changes;
    const newViewsOf = await whoSeesOthers(host, changes.value, network, ports);
    const act = { actor, at: ports.wall(), ifVersion: network.version, newViewsOf };
    const changed = await ports.store.changeHost(host, changes.value, act);
    if (changed !== undefined) {
      ports.bell.ring(network.id, changed.version);
      return done(viewHost(changed));
    }
  }
  return { ...refuse('busy', 'The network changes too fast at this moment. Try again.'), retryAfterSeconds: 5 };
}

export async function removeHost(
  path: HostPath,
  { actor }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<undefined>> {
  const found = await findHost(path, ports);
  if (!found.ok) return found;
  await remove(found.value.host, actor, ports);
  return done(undefined);
}

/** By its own wish. */
export async function leave({ host }: HostCaller, ports: RegistryPorts): Promise<void> {
  await remove(host, `host:${host.name}`, ports);
}

export function viewHost(host: HostRecord): HostView {
  const { name, publicKey, listenPort, endpoint, observedEndpoint, version } = host;
  return {
    name,
    publicKey,
    addresses: [...host.addresses],
    listenPort,
    endpoint,
    observedEndpoint: endpoint === null ? observedEndpoint : null,
    routes: [...host.routes],
    tags: [...host.tags],
    ephemeral: host.ephemeral,
    nextPublicKey: host.nextPublicKey,
    expiresAt: host.expiresAt === null ? null : new Date(host.expiresAt).toISOString(),
    seenAt: host.seenAt === null ? null : new Date(host.seenAt).toISOString(),
    version,
    createdAt: new Date(host.createdAt).toISOString(),
  };
}

async function findHost(
  path: HostPath,
  ports: RegistryPorts,
): Promise<Result<{ host: HostRecord; network: NetworkRecord }>> {
  const network = await findNetwork(path.network, ports);
  if (!network.ok) return network;
  const host = await ports.store.findHost(network.value.id, path.host);
  if (host === undefined) return refuse('not-found', `The network ${path.network} has no host ${path.host}.`);
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
  const routes = patch.routes === undefined ? done(undefined) : parseSubnets(patch.routes, '/routes');
  if (!routes.ok) return routes;
  if (routes.value !== undefined) {
    const others = (await ports.store.listHosts(network.id)).filter((other) => other.id !== host.id);
    const free = areFree(routes.value, network, others);
    if (!free.ok) return free;
  }
  return done({
    ...(endpoint.value !== undefined && { endpoint: endpoint.value }),
    ...(patch.listenPort !== undefined && { listenPort: patch.listenPort }),
    ...(routes.value !== undefined && { routes: routes.value.map(formatCidr) }),
    ...(patch.tags !== undefined && { tags: canonicalTags(patch.tags) }),
  });
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

async function remove(host: HostRecord, actor: string, { store, bell, wall }: RegistryPorts): Promise<void> {
  if (!(await store.removeHost(host, { actor, at: wall() }))) return;
  const version = await store.networkVersion(host.networkId);
  if (version !== undefined) bell.ring(host.networkId, version);
}
