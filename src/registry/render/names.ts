/** Names in the VPN, each with its addresses: those that a host sees, or all of a network. */
import { DEAD_END_KEY } from '../../config/dead-end.ts';
import { expectPlain, type PlainConfig } from './plain.ts';
import { addressesOf, withoutLength } from './view.ts';

export interface Names {
  /** The domain that all of them are in. */
  readonly suffix: string;
  /** Grows with every change. */
  readonly version: number;
  /** By name, without the suffix. */
  readonly hosts: readonly NamedHost[];
}

export interface NamedHost {
  readonly name: string;
  /** Without prefix lengths. */
  readonly addresses: readonly string[];
}

/** A host's own name, and those of its peers. */
export function namesOf(config: PlainConfig): Names {
  const { host, network, peers, version } = config;
  const own = { name: host.name, addresses: host.addresses.map(withoutLength) };
  const hosts = peers.filter(({ publicKey }) => publicKey !== DEAD_END_KEY);
  const others = hosts.map((peer) => ({ name: peer.name, addresses: addressesOf(peer, config) }));
  return { suffix: network.suffix, version, hosts: byName([own, ...others]) };
}

/** Throws RangeError for a text with a character that means something in a zone or hosts file. */
export function namesOfNetwork(
  { suffix, version }: Pick<Names, 'suffix' | 'version'>,
  hosts: readonly NamedHost[],
): Names {
  expectPlain('network', [suffix]);
  for (const { name, addresses } of hosts) expectPlain('host', [name, ...addresses]);
  return { suffix, version, hosts: byName(hosts.map(({ name, addresses }) => ({ name, addresses }))) };
}

function byName(hosts: readonly NamedHost[]): NamedHost[] {
  return hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Versions of before they were times, of which there may be some in a database. */
const COUNTED_BELOW = 1e12;

/** Of a zone (RFC 1035 section 3.3.13): 32 bits, so the time of the version in seconds, as is the custom. */
export function serialOf(version: number): number {
  return (version < COUNTED_BELOW ? version : Math.floor(version / 1000)) % 2 ** 32;
}
