/** What a host changes of itself: what lies behind it, the exit that it uses, and where it says that others reach it. */
import { formatCidr } from '../../ip.ts';
import type { HostChanges, HostRecord, NetworkRecord } from '../store/port.ts';
import type { HostConfig, SelfPatch } from '../wire.ts';
import { authenticateAgain, type HostCaller } from './credentials.ts';
import { findExit } from './exits.ts';
import { viewHostConfig } from './peers.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';
import { itself, sees, whoSees } from './sight.ts';
import { areFree, divide, parseSubnets } from './subnets.ts';
import { viewOf } from './view.ts';

const ATTEMPTS = 8;

/** `endpoint` is in canonical text. */
type SelfChange = SelfPatch & { endpoint?: string | undefined; listenPort?: number | undefined };

export async function changeSelf(
  caller: HostCaller,
  patch: SelfChange,
  ports: RegistryPorts,
): Promise<Result<HostConfig>> {
  let present = caller;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { host, network } = present;
    const others = (await ports.store.listHosts(network.id)).filter((other) => other.id !== host.id);
    const changes = checkPatch(patch, host, network, others);
    if (!changes.ok) return changes;
    if (changesNothing(changes.value, host)) return done(viewHostConfig(await viewOf(present, ports), others));
    // The others see what is approved and where it is reached, and nothing else of this.
    const isOwn = isSame(changes.value.routes, host.routes) && isUnchanged(changes.value.endpoint, host.endpoint);
    const act = {
      actor: `host:${host.name}`,
      requestId: caller.requestId,
      at: ports.wall(),
      ifVersion: network.version,
      newViewsOf: [],
      isOwn,
      detail: patch,
    };
    const changed = await ports.store.changeHost(host, changes.value, act);
    if (changed !== undefined) {
      const version = Math.max(changed.version, changed.viewVersion);
      ports.bell.ring(network.id, version, isOwn ? itself(host) : whoSees([host], network.rules));
      return done(viewHostConfig({ host: changed, network, version }, others));
    }
    const again = await authenticateAgain(present, ports);
    if (!again.ok) return again;
    present = again.value;
  }
  return { ...refuse('busy', 'The network changes too fast at this moment. Try again.'), retryAfterSeconds: 5 };
}

function checkPatch(
  { routes, exit, endpoint, listenPort }: SelfChange,
  host: HostRecord,
  network: NetworkRecord,
  others: readonly HostRecord[],
): Result<HostChanges> {
  const declared = parseSubnets(routes ?? [], '/routes');
  if (!declared.ok) return declared;
  // What waits is compared with all others when it is approved: a refusal here would tell what lies behind those that the host
  // may not see. Of what was approved nobody else has a part.
  const visible = others.filter((other) => sees(host.tags, other.tags, network.rules));
  const free = areFree(declared.value, network, visible);
  if (!free.ok) return free;
  const chosen = typeof exit === 'string' ? findExit(exit, host, network, others) : done(exit);
  if (!chosen.ok) return chosen;
  // What has been approved stays so, and parts of it; a host that takes something back has to ask for it again.
  const { allowed, others: requested } = divide(declared.value, host.routes);
  return done({
    ...(routes !== undefined && { routes: allowed.map(formatCidr), requestedRoutes: requested.map(formatCidr) }),
    ...(chosen.value !== undefined && { exitHostId: chosen.value }),
    ...(endpoint !== undefined && { endpoint }),
    ...(listenPort !== undefined && { listenPort }),
  });
}

function changesNothing(changes: HostChanges, host: HostRecord): boolean {
  return (
    isSame(changes.routes, host.routes) &&
    isSame(changes.requestedRoutes, host.requestedRoutes) &&
    isUnchanged(changes.exitHostId, host.exitHostId) &&
    isUnchanged(changes.endpoint, host.endpoint) &&
    isUnchanged(changes.listenPort, host.listenPort)
  );
}

/** The same, or nothing was said. */
function isUnchanged<T>(after: T | undefined, before: T): boolean {
  return after === undefined || after === before;
}

/** The same set, or none that was said. */
function isSame(after: readonly string[] | undefined, before: readonly string[]): boolean {
  return after === undefined || (after.length === before.length && after.every((text) => before.includes(text)));
}
