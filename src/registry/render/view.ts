/** What the formats read out of a host's configuration. */
import { containsAddress, knownCidr, type IpFamily } from '../../ip.ts';
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';

export interface FormatOptions {
  /** The interface's name: letters, digits and `_`, so that it is a name in every format. */
  readonly interface: string;
  /** The registry's address, as its clients write it. */
  readonly registryUrl: string;
}

/** Where the private key is expected, for formats that take a file's name. */
export function privateKeyFile({ interface: name }: FormatOptions): string {
  return `/etc/wireguard/${name}.key`;
}

/** `dolores.vpn.example.net in the network home, version 7` */
export function title({ host, network, version }: PlainConfig): string {
  return `${host.name}.${network.suffix} in the network ${network.name}, version ${version}`;
}

/** What lies behind the peer. Its own addresses need no route: the prefix of the interface's address covers them. */
export function routesBehind(peer: PeerView, { network }: PlainConfig): string[] {
  const ranges = network.ranges.map(knownCidr);
  return peer.allowedIps.filter((text) => !ranges.some((range) => containsAddress(range, knownCidr(text))));
}

/** The default routes of the peer that is the host's exit; none without one. */
export function exitRoutes({ peers }: PlainConfig): string[] {
  return peers.flatMap(({ allowedIps }) => allowedIps.filter((text) => text.endsWith('/0')));
}

/**
 * Number of the table with the default route, and mark of the tunnel's own datagrams, which must not take it: the scheme of
 * wg-quick(8), where a format has no other way.
 */
export const EXIT_TABLE = 51820;

/** The peer's own addresses, without prefix lengths. */
export function addressesOf(peer: PeerView, config: PlainConfig): string[] {
  const routes = new Set(routesBehind(peer, config));
  return peer.allowedIps.filter((text) => !routes.has(text)).map(withoutLength);
}

/** `10.1.2.3/24` as `10.1.2.3`. */
export function withoutLength(cidr: string): string {
  return cidr.slice(0, cidr.indexOf('/'));
}

export function familyOf(cidr: string): IpFamily {
  return cidr.includes(':') ? 6 : 4;
}

/** `[2001:db8::1]:51820` as `2001:db8::1` and `51820`. */
export function endpointParts(endpoint: string): { host: string; port: string } {
  const colon = endpoint.lastIndexOf(':');
  return { host: endpoint.slice(0, colon).replaceAll(/[[\]]/g, ''), port: endpoint.slice(colon + 1) };
}
