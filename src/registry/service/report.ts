/**
 * Reports: what a host sees of the others, so that hosts behind NAT find each other.
 *
 * A host that says nothing of its own endpoint gets the one that the most recent handshake saw. A report speaks only of hosts
 * that the reporter can see, and one that changes nothing writes nothing.
 */
import { containsAddress } from '../../ip.ts';
import type { HostRecord, NetworkRecord, Observation } from '../store/port.ts';
import type { Report, Reported } from '../wire.ts';
import type { HostCaller } from './credentials.ts';
import { parseObservedEndpoint } from './endpoints.ts';
import type { RegistryPorts } from './ports.ts';
import { trusted } from './subnets.ts';

/** How far ahead the clock of a reporter may be. Beyond, its word would outweigh everyone's for as long. */
const CLOCK_SKEW_SECONDS = 60;

export async function report(
  { host, network }: HostCaller,
  { listenPort, observed }: Report,
  ports: RegistryPorts,
): Promise<Reported> {
  if (listenPort !== undefined && listenPort !== host.listenPort)
    await ports.store.changeHost(host, { listenPort }, { actor: `host:${host.name}`, at: ports.wall() });
  const observations = await news(host, network, observed, ports);
  if (observations.length > 0) await ports.store.observeEndpoints(network.id, observations);
  const version = (await ports.store.networkVersion(network.id)) ?? network.version;
  if (version > network.version) ports.bell.ring(network.id, version);
  return { version };
}

/** What of a report is both credible and new. */
async function news(
  reporter: HostRecord,
  network: NetworkRecord,
  observed: Report['observed'],
  ports: RegistryPorts,
): Promise<Observation[]> {
  const latest = ports.wall() / 1000 + CLOCK_SKEW_SECONDS;
  const keys = observed.filter(({ latestHandshake: at }) => at > 0 && at <= latest).map(({ publicKey }) => publicKey);
  if (keys.length === 0) return [];
  const hosts = await ports.store.hostsWithoutEndpoint(network.id, keys);
  const byKey = new Map(hosts.filter(({ id }) => id !== reporter.id).map((host) => [host.publicKey, host]));
  return observed.flatMap(({ publicKey, endpoint: text, latestHandshake: handshakeAt }) => {
    const host = byKey.get(publicKey);
    const endpoint = parseObservedEndpoint(text);
    if (host === undefined || endpoint === undefined || handshakeAt > latest) return [];
    if (handshakeAt <= (host.observedAt ?? 0) || endpoint.text === host.observedEndpoint) return [];
    // From inside the tunnel itself: whoever sent there would send to itself.
    if (network.ranges.some((range) => containsAddress(trusted(range), endpoint.address))) return [];
    // A neighbour in the same LAN sees an address that is of no use to anyone outside.
    if (endpoint.local && isPublic(host.observedEndpoint)) return [];
    return [{ hostId: host.id, endpoint: endpoint.text, handshakeAt }];
  });
}

function isPublic(endpoint: string | null): boolean {
  return endpoint !== null && parseObservedEndpoint(endpoint)?.local === false;
}
