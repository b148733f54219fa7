/**
 * Reports: what a host sees of the others, so that hosts behind NAT find each other.
 *
 * Of a host that says nothing of its own endpoint, what the most recent handshake saw is kept, one of each family. A report speaks only of hosts
 * that the reporter can see, and one that changes nothing writes nothing.
 */
import { containsAddress } from '../../ip.ts';
import type { HostRecord, NetworkRecord, Observation } from '../store/port.ts';
import type { Report, Reported } from '../wire.ts';
import type { HostCaller } from './credentials.ts';
import { observationOf, parseObservedEndpoint } from './endpoints.ts';
import type { RegistryPorts } from './ports.ts';
import { sees, whoSees } from './sight.ts';
import { trusted } from './subnets.ts';
import { viewOf } from './view.ts';

/** How far ahead the clock of a reporter may be: what it says then counts as seen now. Beyond, it is not believed. */
const CLOCK_SKEW_SECONDS = 60;
/**
 * Where a host was seen in one family stands before the other for so long without being seen again: a family that is gone, or never
 * was there, must not stay. Long, because of a host that is seen in both the two take turns.
 */
const FAMILY_SECONDS = 6 * 3600;

export async function report(
  { host, network }: HostCaller,
  { listenPort, observed }: Report,
  ports: RegistryPorts,
): Promise<Reported> {
  if (listenPort !== undefined && listenPort !== host.listenPort) await ports.store.setListenPort(host, listenPort);
  const seen = await news(host, network, observed, ports);
  if (seen.length === 0) return versionOf({ host, network }, ports);
  const observations = seen.map(({ observation }) => observation);
  await ports.store.observeEndpoints(network.id, observations, ports.wall());
  const present = (await ports.store.networkById(network.id)) ?? network;
  const changed = seen.map((one) => one.host);
  if (present.version > network.version) ports.bell.ring(network.id, present.version, whoSees(changed, network.rules));
  return versionOf({ host, network: present }, ports);
}

async function versionOf(caller: Pick<HostCaller, 'host' | 'network'>, ports: RegistryPorts): Promise<Reported> {
  return { version: (await viewOf(caller, ports)).version };
}

/** What of a report is both credible and new. */
async function news(
  reporter: HostRecord,
  network: NetworkRecord,
  observed: Report['observed'],
  ports: RegistryPorts,
): Promise<{ host: HostRecord; observation: Observation }[]> {
  const newest = newestOfEach(observed, Math.floor(ports.wall() / 1000));
  if (newest.size === 0) return [];
  const hosts = await ports.store.hostsWithoutEndpoint(network.id, [...newest.keys()]);
  const ranges = network.ranges.map(trusted);
  return hosts.flatMap((host) => {
    const seen = newest.get(host.publicKey);
    const endpoint = parseObservedEndpoint(seen?.endpoint ?? '');
    if (
      host.id === reporter.id ||
      !sees(reporter.tags, host.tags, network.rules) ||
      seen === undefined ||
      endpoint === undefined
    )
      return [];
    const { latestHandshake: handshakeAt } = seen;
    const { family } = endpoint.address;
    const known = observationOf(host, family);
    if (handshakeAt <= (known?.seenAt ?? 0)) return [];
    if (endpoint.text === known?.text && !outlasts(known, observationOf(host, family === 4 ? 6 : 4), handshakeAt))
      return [];
    // From inside the tunnel itself: whoever sent there would send to itself.
    if (ranges.some((range) => containsAddress(range, endpoint.address))) return [];
    // A neighbour in the same LAN sees an address that is of no use to anyone outside.
    if (endpoint.local && known?.local === false) return [];
    return [{ host, observation: { hostId: host.id, endpoint: endpoint.text, handshakeAt } }];
  });
}

/** Whether what is known is seen again so long after the other family's that this one should no longer stand before it. */
function outlasts(known: { seenAt: number }, other: { seenAt: number } | undefined, handshakeAt: number): boolean {
  return other !== undefined && other.seenAt > known.seenAt && handshakeAt >= other.seenAt + FAMILY_SECONDS;
}

/** The latest credible handshake with each key: a report may name one many times, and costs no more for it. */
function newestOfEach(observed: Report['observed'], now: number): Map<string, Report['observed'][number]> {
  const newest = new Map<string, Report['observed'][number]>();
  for (const seen of observed) {
    const { publicKey, latestHandshake: at } = seen;
    if (at <= 0 || at > now + CLOCK_SKEW_SECONDS) continue;
    const latestHandshake = Math.min(at, now);
    if (latestHandshake > (newest.get(publicKey)?.latestHandshake ?? 0))
      newest.set(publicKey, { ...seen, latestHandshake });
  }
  return newest;
}
