/** Networks: what an administrator leaves out is chosen. */
import { formatCidr, overlaps, type Cidr } from '../../ip.ts';
import { randomPort } from '../../network/port.ts';
import { randomIpv4Range, randomUlaRange } from '../../network/ranges.ts';
import type { NetworkChanges, NetworkRecord, Page } from '../store/port.ts';
import type { NetworkList, NetworkPatch, NetworkView, NewNetwork } from '../wire.ts';
import type { AdminCaller } from './credentials.ts';
import { collectDue } from './due.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';
import { setsThatNotice } from './sight.ts';
import { parseSubnets, trusted } from './subnets.ts';

const ATTEMPTS = 8;
const DAY_SECONDS = 86_400;
const NETWORK_DEFAULTS = {
  rules: null,
  // Longer than others may still hold old peer lists.
  quarantineSeconds: 7 * DAY_SECONDS,
  hostLifetimeSeconds: null,
  graceSeconds: 7 * DAY_SECONDS,
  silenceSeconds: 3600,
};

export async function addNetwork(
  request: NewNetwork,
  { actor, requestId }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<NetworkView>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const present = await ports.store.listNetworks();
    const others = present.flatMap((network) => network.ranges.map(trusted));
    const ranges = request.ranges === undefined ? chooseRanges(others, ports) : givenRanges(request.ranges, others);
    if (!ranges.ok) return ranges;
    const act = { actor, requestId, at: ports.wall(), ifNewestId: Math.max(0, ...present.map(({ id }) => id)) };
    const added = await ports.store.addNetwork(fill(request, ranges.value, ports), act);
    if (added === undefined) continue; // another network came in between, whose ranges were not compared
    if ('conflict' in added)
      return refuse('name-taken', `There is a network ${request.name} already. Choose another name.`, '/name');
    return done(viewNetwork(added));
  }
  return { ...refuse('busy', 'Too many networks are made at this moment. Try again.'), retryAfterSeconds: 5 };
}

/** By name; `after` is the last name of the page before. */
export async function listNetworks(page: Page, { store }: RegistryPorts): Promise<NetworkList> {
  // One more than asked for tells whether there is another page.
  const found = await store.listNetworks({ ...page, limit: page.limit + 1 });
  const networks = found.slice(0, page.limit).map(viewNetwork);
  return { networks, next: found.length > page.limit ? networks.at(-1)!.name : null };
}

export async function findNetwork(name: string, ports: RegistryPorts): Promise<Result<NetworkRecord>> {
  const found = await ports.store.findNetwork(name);
  const isOld = found !== undefined && (await collectDue(found, ports));
  const network = isOld ? await ports.store.findNetwork(name) : found;
  return network === undefined ? refuse('not-found', `There is no network ${name}.`) : done(network);
}

/** `ifRevision` is the network's revision that the administrator has seen. */
export async function changeNetwork(
  name: string,
  patch: NetworkPatch,
  { actor, requestId, ifRevision }: AdminCaller & { ifRevision: number },
  ports: RegistryPorts,
): Promise<Result<NetworkView>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await findNetwork(name, ports);
    if (!found.ok) return found;
    const network = found.value;
    if (network.revision !== ifRevision) return refuseStale(name);
    const changes = changesOf(patch);
    const { rules } = changes;
    const noticing =
      rules === undefined ? [] : setsThatNotice(await ports.store.listTagSets(network.id), network.rules, rules);
    const act = { actor, requestId, at: ports.wall(), newViewsOf: noticing.map(({ tags }) => tags), detail: patch };
    const changed = await ports.store.changeNetwork(network, changes, act);
    if (changed === undefined) continue; // a host came or changed in between, who was not looked at
    if (changed.version !== network.version) ports.bell.ring(changed.id, changed.version);
    return done(viewNetwork(changed));
  }
  return { ...refuse('busy', 'The network changes too fast at this moment. Try again.'), retryAfterSeconds: 5 };
}

export async function removeNetwork(
  name: string,
  { actor, requestId, ifRevision }: AdminCaller & { ifRevision?: number | undefined },
  ports: RegistryPorts,
): Promise<Result<undefined>> {
  const network = await findNetwork(name, ports);
  if (!network.ok) return network;
  const isStale = (found: NetworkRecord) => ifRevision !== undefined && found.revision !== ifRevision;
  if (isStale(network.value)) return refuseStale(name);
  if (await ports.store.removeNetwork(network.value, { actor, requestId, at: ports.wall(), ifRevision }))
    return done(undefined);
  const present = await ports.store.findNetwork(name);
  if (present !== undefined && isStale(present)) return refuseStale(name);
  return refuse('network-not-empty', `Hosts are still in the network ${name}. Remove them first.`);
}

function refuseStale(name: string) {
  return refuse('stale', `The network ${name} has changed since. Read it again, then repeat the change.`);
}

export function viewNetwork(network: NetworkRecord): NetworkView {
  const { name, suffix, ranges, listenPort, version, revision, rules, createdAt } = network;
  return {
    name,
    suffix,
    ranges: [...ranges],
    listenPort,
    rules: rules === null ? null : rules.map(({ from, to }) => ({ from: [...from], to: [...to] })),
    quarantine: network.quarantineSeconds,
    hostLifetime: network.hostLifetimeSeconds,
    grace: network.graceSeconds,
    silence: network.silenceSeconds,
    version,
    revision,
    createdAt: new Date(createdAt).toISOString(),
  };
}

/** What the patch leaves out stays. */
function changesOf({ listenPort, rules, quarantine, hostLifetime, grace, silence }: NetworkPatch): NetworkChanges {
  return {
    ...(listenPort !== undefined && { listenPort }),
    ...(rules !== undefined && { rules }),
    ...(quarantine !== undefined && { quarantineSeconds: quarantine }),
    ...(hostLifetime !== undefined && { hostLifetimeSeconds: hostLifetime }),
    ...(grace !== undefined && { graceSeconds: grace }),
    ...(silence !== undefined && { silenceSeconds: silence }),
  };
}

/** What the administrator left out is chosen. */
function fill(request: NewNetwork, ranges: readonly Cidr[], ports: RegistryPorts) {
  return {
    name: request.name,
    // ICANN reserved .internal for names that never reach the public DNS.
    suffix: request.suffix ?? `${request.name}.internal`,
    ranges: ranges.map(formatCidr),
    createdAt: ports.wall(),
    ...NETWORK_DEFAULTS,
    listenPort: randomPort(ports.random),
    ...changesOf(request),
  };
}

function chooseRanges(others: readonly Cidr[], { random }: RegistryPorts): Result<Cidr[]> {
  const ipv4 = randomIpv4Range(random, { avoid: others });
  if (ipv4 === undefined) return refuse('range-overlap', 'No IPv4 range is left in 10.0.0.0/8. Give one.', '/ranges');
  return done([ipv4, randomUlaRange(random)]);
}

function givenRanges(texts: readonly string[], others: readonly Cidr[]): Result<Cidr[]> {
  const ranges = parseSubnets(texts, '/ranges');
  if (!ranges.ok) return ranges;
  const i = ranges.value.findIndex((range) => others.some((other) => overlaps(range, other)));
  if (i < 0) return ranges;
  return refuse('range-overlap', `${texts[i]} overlaps the range of another network.`, `/ranges/${i}`);
}
