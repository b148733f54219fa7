/**
 * Enrolment: a host gets its addresses and its key, for one use of a token or at the word of an administrator.
 *
 * 1. What the request says is checked against the token: the name, and which of the routes count at once.
 * 2. Addresses are drawn without looking: most are free, and the store refuses one that is not.
 * 3. The store adds host, addresses and key and takes the use off the token, all or nothing.
 * 4. A drawn address was taken, or the network moved on under a check of routes: again, and at last with a closer look.
 */
import { encodeBase64Url } from '../../bytes.ts';
import type { WallMs } from '../../clock.ts';
import { formatAddress, formatCidr, type Cidr } from '../../ip.ts';
import { allocateAddress } from '../../network/addresses.ts';
import type { HostAddition, HostRecord, NetworkRecord, TokenRecord } from '../store/port.ts';
import type { Enrolled, EnrolRequest, HostConfig, NewHost } from '../wire.ts';
import { parseAddresses } from './addresses.ts';
import { isGood, issueCredential, type AdminCaller, type TokenHolder } from './credentials.ts';
import { parseEndpoint } from './endpoints.ts';
import { findExit } from './exits.ts';
import { findNetwork } from './networks.ts';
import { viewHostConfig } from './peers.ts';
import type { RegistryPorts } from './ports.ts';
import { matchesPattern } from './name-pattern.ts';
import { isLowOrder } from './public-keys.ts';
import { done, refuse, UNAUTHORIZED, type Refusal, type Result } from './result.ts';
import { canonicalTags, sees, whoSees } from './sight.ts';
import { areFree, divide, parseSubnets, trusted } from './subnets.ts';

const HOST_ID_BYTES = 16;
const ATTEMPTS = 8;
/** So many of them without looking which addresses are taken. */
const BLIND_DRAWS = 3;

/** Checked, and in canonical text. */
interface Candidate {
  name: string;
  publicKey: string;
  endpoint: string | null;
  listenPort: number | undefined;
  /** As it declared them. */
  declared: readonly Cidr[];
  /** Those that count at once; the others wait for an administrator. */
  routes: readonly Cidr[];
  /** Name of the host that it wants as its exit. */
  exit: string | undefined;
  /** On the word of its token or of the administrator, never on its own. */
  tags: readonly string[];
  /** By the range of the network that each is of; in the other ranges any will do. */
  addresses: ReadonlyMap<string, string>;
}

export async function enrol(
  request: EnrolRequest,
  { token, network, requestId }: TokenHolder,
  ports: RegistryPorts,
): Promise<Result<Enrolled>> {
  const candidate = parseCandidate(request);
  if (!candidate.ok) return candidate;
  if (token.hostName !== null && token.hostName !== request.name)
    return refuse('name-not-allowed', `The token is good for the name ${token.hostName} only.`, '/name');
  if (token.namePattern !== null && !matchesPattern(request.name, token.namePattern))
    return refuse('name-not-allowed', `The token is good for names like ${token.namePattern} only.`, '/name');
  const { allowed: routes } = divide(candidate.value.declared, token.routes);
  const granted = { ...candidate.value, routes, tags: token.tags };
  return register(granted, { network, token, actor: `token:${token.id}`, requestId }, ports);
}

/** The administrator's own way: any name, any free route, any free address. */
export async function addHost(
  networkName: string,
  { addresses: wanted = [], tags = [], ...request }: NewHost,
  { actor, requestId }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<Enrolled>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  const candidate = parseCandidate(request);
  if (!candidate.ok) return candidate;
  const addresses = parseAddresses(wanted, network.value);
  if (!addresses.ok) return addresses;
  const by = { network: network.value, token: undefined, actor, requestId };
  const granted = { ...candidate.value, addresses: addresses.value, tags: canonicalTags(tags) };
  return register(granted, by, ports);
}

function parseCandidate(request: EnrolRequest): Result<Candidate> {
  if (isLowOrder(request.publicKey))
    return refuse('invalid', 'No private key has this public key. Send what wg pubkey prints.', '/publicKey');
  const endpoint = request.endpoint === undefined ? done(null) : parseEndpoint(request.endpoint, '/endpoint');
  if (!endpoint.ok) return endpoint;
  const routes = parseSubnets(request.routes ?? [], '/routes');
  if (!routes.ok) return routes;
  const { name, publicKey, listenPort, exit } = request;
  const asked = { name, publicKey, listenPort, exit, endpoint: endpoint.value };
  return done({ ...asked, declared: routes.value, routes: routes.value, addresses: new Map(), tags: [] });
}

/** On whose word: a token pays with a use, an administrator does not. */
interface Sponsor {
  network: NetworkRecord;
  token: TokenRecord | undefined;
  actor: string;
  requestId: string | undefined;
}

async function register(candidate: Candidate, by: Sponsor, ports: RegistryPorts): Promise<Result<Enrolled>> {
  let { network } = by;
  let taken: ReadonlySet<string> = new Set();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const others = await hostsToCompare(candidate, network, ports);
    const free = checkRoutes(candidate, network, others);
    if (!free.ok) return free;
    const exit = candidate.exit === undefined ? done(null) : findExit(candidate.exit, candidate, network, others);
    if (!exit.ok) return exit;
    const addresses = drawAddresses(candidate, network, taken, ports);
    if (addresses === undefined)
      return refuse(
        'network-full',
        `The network ${network.name} has no address left. Remove hosts, or make a larger one.`,
      );
    const at = ports.wall();
    const chosen = { addresses, exitHostId: exit.value };
    const { addition, hostKey } = await prepare(candidate, { ...by, network }, chosen, at, ports);
    const added = await ports.store.addHost(addition, { actor: by.actor, requestId: by.requestId, at });
    if (added === undefined) {
      const moved = await movedOn(network, by.token, ports);
      if (moved === undefined && by.token === undefined)
        return refuse('not-found', `There is no network ${network.name} any more.`);
      if (moved === undefined) return UNAUTHORIZED;
      network = moved;
    } else if (!('conflict' in added)) {
      return done({ ...(await settle(added, network, ports)), hostKey });
    } else if (added.conflict === 'address') {
      // In a large network even a second draw is cheaper than a look at all addresses.
      if (attempt + 1 < BLIND_DRAWS && candidate.addresses.size === 0) continue;
      taken = new Set(await ports.store.takenAddresses(network.id, addition.releasedBefore));
      const lost = [...candidate.addresses.values()].find((address) => taken.has(address));
      if (lost !== undefined)
        return refuse('address-taken', `The address ${lost} is another host's, or rests after one.`, '/addresses');
    } else {
      return refuseConflict(added.conflict, candidate);
    }
  }
  const busy = refuse('busy', 'Too many hosts are enrolling at this moment. Try again in a few seconds.');
  return { ...busy, retryAfterSeconds: 5 };
}

/**
 * What waits is compared with all others when it is approved: until then with those that the host may see, since a refusal tells
 * what lies behind another.
 */
function checkRoutes({ declared, routes, tags }: Candidate, network: NetworkRecord, others: readonly HostRecord[]) {
  const visible = others.filter((other) => sees(tags, other.tags, network.rules));
  const free = areFree(declared, network, visible);
  return free.ok ? areFree(routes, network, others) : free;
}

/** Only who declares routes or chooses an exit is compared with the others, so only then are they read. */
async function hostsToCompare(candidate: Candidate, { id }: NetworkRecord, { store }: RegistryPorts) {
  return dependsOnOthers(candidate) ? store.listHosts(id) : [];
}

function dependsOnOthers({ declared, exit }: Candidate): boolean {
  return declared.length > 0 || exit !== undefined;
}

/** One free address of each range, or the one that was asked for. */
function drawAddresses(
  { addresses: wanted }: Candidate,
  network: NetworkRecord,
  taken: ReadonlySet<string>,
  { random }: RegistryPorts,
): string[] | undefined {
  const drawn = network.ranges.map((range) => {
    const given = wanted.get(range);
    if (given !== undefined) return given;
    const address = allocateAddress(trusted(range), taken, random);
    return address && formatAddress(address);
  });
  const addresses = drawn.filter((address) => address !== undefined);
  return addresses.length === drawn.length ? addresses : undefined;
}

async function prepare(
  candidate: Candidate,
  { network, token }: Sponsor,
  chosen: { addresses: readonly string[]; exitHostId: string | null },
  at: WallMs,
  ports: RegistryPorts,
): Promise<{ addition: HostAddition; hostKey: string }> {
  const { text: hostKey, record: credential } = await issueCredential('host', ports);
  const lifetimeSeconds = token?.hostLifetimeSeconds ?? network.hostLifetimeSeconds;
  const host = {
    ...candidate,
    id: encodeBase64Url(ports.random(HOST_ID_BYTES)),
    ...chosen,
    routes: candidate.routes.map(formatCidr),
    requestedRoutes: candidate.declared.filter((route) => !candidate.routes.includes(route)).map(formatCidr),
    listenPort: candidate.listenPort ?? network.listenPort,
    ephemeral: token?.ephemeral ?? false,
    lifetimeSeconds,
    expiresAt: lifetimeSeconds === null ? null : at + 1000 * lifetimeSeconds,
  };
  const addition = {
    networkId: network.id,
    host,
    credential,
    releasedBefore: at - 1000 * network.quarantineSeconds,
    ...(token !== undefined && { tokenId: token.id }),
    // What was checked about routes and exit holds only while no other host came or changed.
    ...(dependsOnOthers(candidate) && { ifVersion: network.version }),
  };
  return { addition, hostKey };
}

/** The network as it is now, if the token is still good and the network has moved: then trying again makes sense. */
async function movedOn(
  network: NetworkRecord,
  token: TokenRecord | undefined,
  { store, wall }: RegistryPorts,
): Promise<NetworkRecord | undefined> {
  if (token !== undefined) {
    const found = await store.findToken(token.id);
    if (found === undefined || !isGood(found.token, wall())) return undefined;
  }
  const now = await store.findNetwork(network.name);
  return now?.id === network.id && now.version !== network.version ? now : undefined;
}

async function settle(host: HostRecord, network: NetworkRecord, { store, bell }: RegistryPorts): Promise<HostConfig> {
  // By the rules of now: they may have changed between the look at the token and the enrolment.
  const present = (await store.findNetwork(network.name)) ?? network;
  bell.ring(network.id, host.version, whoSees([host], present.rules));
  // At the version of the host itself: what comes later, the first difference brings.
  return viewHostConfig({ host, network: present, version: host.version }, await store.listHosts(network.id));
}

function refuseConflict(conflict: 'name' | 'publicKey', { name }: Candidate): Refusal {
  // Neither says more than that: whose key it is would tell who is there, and nobody takes over a host by enrolling.
  if (conflict === 'name')
    return refuse(
      'name-taken',
      `A host is called ${name} already. Choose another name, or have it removed first. If it is this host, send its host key instead of the token.`,
      '/name',
    );
  return refuse(
    'key-in-use',
    'This public key cannot be used. Generate a new private key for this host; or, if it has enrolled before, send its host key instead of the token.',
    '/publicKey',
  );
}
