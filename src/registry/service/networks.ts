/** Networks: what an administrator leaves out is chosen. */
import { formatCidr, overlaps, type Cidr } from '../../ip.ts';
import { randomPort } from '../../network/port.ts';
import { randomIpv4Range, randomUlaRange } from '../../network/ranges.ts';
import type { NetworkRecord } from '../store/port.ts';
import type { NetworkView, NewNetwork } from '../wire.ts';
import type { AdminCaller } from './credentials.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';
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
  { actor }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<NetworkView>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const present = await ports.store.listNetworks();
    const others = present.flatMap((network) => network.ranges.map(trusted));
    const ranges = request.ranges === undefined ? chooseRanges(others, ports) : givenRanges(request.ranges, others);
    if (!ranges.ok) return ranges;
    const act = { actor, at: ports.wall(), ifNewestId: Math.max(0, ...present.map(({ id }) => id)) };
    const added = await ports.store.addNetwork(fill(request, ranges.value, ports), act);
    if (added === undefined) continue; // another network came in between, whose ranges were not compared
    if ('conflict' in added)
      return refuse('name-taken', `There is a network ${request.name} already. Choose another name.`, '/name');
    return done(viewNetwork(added));
  }
  return { ...refuse('busy', 'Too many networks are made at this moment. Try again.'), retryAfterSeconds: 5 };
}

export async function listNetworks(ports: RegistryPorts): Promise<NetworkView[]> {
  return (await ports.store.listNetworks()).map(viewNetwork);
}

export async function findNetwork(name: string, ports: RegistryPorts): Promise<Result<NetworkRecord>> {
  const network = await ports.store.findNetwork(name);
  return network === undefined ? refuse('not-found', `There is no network ${name}.`) : done(network);
}

export async function removeNetwork(
  name: string,
  { actor }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<undefined>> {
  const network = await findNetwork(name, ports);
  if (!network.ok) return network;
  if (await ports.store.removeNetwork(network.value, { actor, at: ports.wall() })) return done(undefined);
  return refuse('network-not-empty', `Hosts are still in the network ${name}. Remove them first.`);
}

export function viewNetwork({ name, suffix, ranges, listenPort, version, createdAt }: NetworkRecord): NetworkView {
  return { name, suffix, ranges: [...ranges], listenPort, version, createdAt: new Date(createdAt).toISOString() };
}

/** What the administrator left out is chosen. */
function fill(request: NewNetwork, ranges: readonly Cidr[], ports: RegistryPorts) {
  return {
    name: request.name,
    // ICANN reserved .internal for names that never reach the public DNS.
    suffix: request.suffix ?? `${request.name}.internal`,
    ranges: ranges.map(formatCidr),
    listenPort: request.listenPort ?? randomPort(ports.random),
    createdAt: ports.wall(),
    ...NETWORK_DEFAULTS,
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
