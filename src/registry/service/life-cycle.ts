/** How hosts stay, go and come back: what is due is seen to by the first request that comes after. */
import type { HostRecord, NetworkRecord } from '../store/port.ts';
import type { HostView, Renewed } from '../wire.ts';
import type { AdminCaller, HostCaller } from './credentials.ts';
import { findHost, refuseStale, viewHost, type HostPath } from './hosts.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, UNAUTHORIZED, type Result } from './result.ts';
import { whoSees } from './sight.ts';
import { areFree, trusted } from './subnets.ts';

const ATTEMPTS = 8;

/** The proof that it is this host is its key: the caller has been let in with it. */
export async function renew({ host, network, requestId }: HostCaller, ports: RegistryPorts): Promise<Result<Renewed>> {
  const at = ports.wall();
  const renewed = await ports.store.renewHost(host, endOfLife(host, network, at), {
    actor: `host:${host.name}`,
    requestId,
    at,
  });
  if (renewed === undefined) return UNAUTHORIZED;
  if (renewed.version !== host.version) ports.bell.ring(network.id, renewed.version, whoSees([renewed], network.rules));
  return done({ expiresAt: renewed.expiresAt === null ? null : new Date(renewed.expiresAt).toISOString() });
}

/** At the word of an administrator, also when its time is up already. */
export async function renewHost(
  path: HostPath,
  { actor, requestId, ifVersion }: AdminCaller & { ifVersion?: number | undefined },
  ports: RegistryPorts,
): Promise<Result<HostView>> {
  const found = await findHost(path, ports);
  if (!found.ok) return found;
  const { host, network } = found.value;
  const at = ports.wall();
  const renewed = await ports.store.renewHost(host, endOfLife(host, network, at), {
    actor,
    requestId,
    at,
    isByAdmin: true,
    ifVersion,
  });
  if (renewed === undefined && ifVersion !== undefined) return refuseStale(path);
  if (renewed === undefined) return refuse('not-found', `The network ${path.network} has no host ${path.host}.`);
  if (renewed.version !== host.version) ports.bell.ring(network.id, renewed.version, whoSees([renewed], network.rules));
  return done(await viewHost(renewed, network, ports));
}

/** Undoes a removal, as long as the host's addresses rest and nobody has taken its name, key or routes. */
export async function restoreHost(
  path: HostPath,
  { actor, requestId }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<HostView>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const network = await ports.store.findNetwork(path.network);
    if (network === undefined) return refuse('not-found', `There is no network ${path.network}.`);
    const host = await ports.store.findRemovedHost(network.id, path.host);
    const at = ports.wall();
    if (host === undefined || (host.deletedAt ?? 0) + 1000 * network.quarantineSeconds <= at)
      return refuse('not-found', `No host ${path.host} was removed from the network ${path.network} so lately.`);
    if (host.routes.length > 0) {
      const free = areFree(host.routes.map(trusted), network, await ports.store.listHosts(network.id));
      if (!free.ok) return free;
    }
    const hasExpired = host.expiresAt !== null && host.expiresAt <= at;
    const expiresAt = hasExpired ? endOfLife(host, network, at) : host.expiresAt;
    const restored = await ports.store.restoreHost(host, expiresAt, {
      actor,
      requestId,
      at,
      ifVersion: network.version,
    });
    if (restored === undefined) {
      if ((await ports.store.networkVersion(network.id))?.version !== network.version) continue;
      return refuse('not-found', `The addresses of ${path.host} have gone to another host. Enrol it anew.`);
    }
    if ('conflict' in restored)
      return restored.conflict === 'name'
        ? refuse('name-taken', `Another host is called ${path.host} by now. Remove that one first.`)
        : refuse('key-in-use', `Another host has the public key of ${path.host} by now.`);
    ports.bell.ring(network.id, restored.version, whoSees([restored], network.rules));
    return done(await viewHost(restored, network, ports));
  }
  return { ...refuse('busy', 'The network changes too fast at this moment. Try again.'), retryAfterSeconds: 5 };
}

function endOfLife({ lifetimeSeconds }: HostRecord, network: NetworkRecord, at: number): number | null {
  const seconds = lifetimeSeconds ?? network.hostLifetimeSeconds;
  return seconds === null ? null : at + 1000 * seconds;
}
