/**
 * A network out of the wg-quick(8) files of its hosts, one of each: NAME.conf.
 *
 * 1. A host's own file says its key (by its private key, which goes no further), its addresses and its port.
 * 2. The [Peer] sections of the others say its endpoint and the subnets behind it, and its key and addresses where its own file
 *    does not. A section is about the host that has its addresses, or is named by its endpoint, or has its key; never about the
 *    host whose file it is in, though by mistake it may have its key.
 * 3. Sections about nobody who has a file are hosts, too, called after their first address.
 *
 * Files of this kind are written by hand and contradict each other: what a host says of itself goes first, and notes tell the rest.
 */
import { formatEndpoint, endpointAddress } from '../../config/config.ts';
import type { PeerDraft } from '../../config/fields.ts';
import { describeProblem, draftConfig, type ConfigDraft } from '../../config/parse.ts';
import {
  addressBits,
  containsAddress,
  formatAddress,
  formatCidr,
  isReservedAddress,
  maskCidr,
  overlaps,
  type Cidr,
} from '../../ip.ts';
import { formatKey, type PrivateKey, type PublicKey } from '../../keys.ts';
import { nameOf, type Found, type FoundHost } from './found.ts';

interface HostDraft {
  name: string;
  publicKey: string | undefined;
  addresses: string[];
  listenPort: number | undefined;
  endpoints: Set<string>;
  routes: Set<string>;
}

export function readConfigFiles(
  files: readonly { name: string; text: string }[],
  derivePublicKey: (privateKey: PrivateKey) => PublicKey,
): Found {
  const notes: string[] = [];
  const drafts = files.map(({ name, text }) => ({ name, draft: draftConfig(text, { file: name }) }));
  const ranges = rangesOf(drafts.map(({ draft }) => draft));
  const hosts = drafts.map(({ name, draft }): HostDraft => {
    for (const problem of draft.problems) notes.push(`${name}:${problem.line}: ${describeProblem(problem)}`);
    const { privateKey, addresses, listenPort } = draft.interface;
    return {
      name: nameOf(name.replace(/\.conf$/, ''), 'host'),
      publicKey: privateKey && formatKey(derivePublicKey(privateKey)),
      addresses: addresses.filter((address) => isOfNetwork(address, ranges)).map(formatAddress),
      listenPort: listenPort === 0 ? undefined : listenPort,
      endpoints: new Set(),
      routes: new Set(),
    };
  });
  const own = hosts.length;
  for (const [i, { name, draft }] of drafts.entries()) {
    const { [i]: self } = hosts;
    for (const peer of draft.peers) {
      const written = peer.publicKey && formatKey(peer.publicKey);
      const isOwn = written !== undefined && written === self!.publicKey; // the hosts with files come first
      const key = isOwn ? undefined : written;
      let host = whoIs(
        peer,
        key,
        hosts.filter((other) => other !== self),
      );
      if (isOwn)
        notes.push(`${name}: the [Peer] section of ${host?.name ?? 'some other host'} has the key of ${self!.name}`);
      if (host === undefined && key !== undefined) hosts.push((host = newcomer(peer, key, ranges)));
      if (host !== undefined) learn(host, peer, key, ranges);
    }
  }
  for (const { name, endpoints } of hosts)
    if (endpoints.size > 1)
      notes.push(
        `${name} has several endpoints in the files of others; the first is taken: ${[...endpoints].join(', ')}`,
      );
  for (const { name, publicKey } of hosts.slice(0, own))
    if (publicKey === undefined)
      notes.push(`no file tells the public key of ${name}: let it enrol with a token (peerage add ${name})`);
  const listed = ranges.map(formatCidr);
  return { ranges: listed, listenPort: hosts[0]?.listenPort, hosts: hosts.map(finish), notes };
}

/** The networks that the interfaces are in. */
function rangesOf(drafts: readonly ConfigDraft[]): Cidr[] {
  const wide = drafts
    .flatMap(({ interface: { addresses } }) => addresses)
    .filter(({ family, prefixLength }) => prefixLength < addressBits(family))
    .map(maskCidr)
    .sort((a, b) => a.family - b.family || a.prefixLength - b.prefixLength);
  return wide.filter((range, i) => !wide.slice(0, i).some((wider) => containsAddress(wider, range)));
}

function isOfNetwork(address: Cidr, ranges: readonly Cidr[]): boolean {
  return ranges.some(
    (range) =>
      containsAddress(range, { ...address, prefixLength: addressBits(address.family) }) &&
      !isReservedAddress(range, address),
  );
}

/** Those of its allowed IPs that are single addresses of the network. */
function addressesOf({ allowedIps }: PeerDraft, ranges: readonly Cidr[]): string[] {
  return allowedIps
    .filter((prefix) => prefix.prefixLength === addressBits(prefix.family) && isOfNetwork(prefix, ranges))
    .map(formatAddress);
}

/** `key`: of the section, where it is not that of the host whose file it is in. */
function whoIs(peer: PeerDraft, key: string | undefined, hosts: readonly HostDraft[]): HostDraft | undefined {
  const allowed = new Set(peer.allowedIps.map(formatAddress));
  const label =
    peer.endpoint && endpointAddress(peer.endpoint) === undefined ? nameOf(peer.endpoint.host.split('.')[0]!, '') : '';
  return (
    hosts.find(({ addresses }) => addresses.some((address) => allowed.has(address))) ??
    hosts.find(({ name }) => name === label) ??
    hosts.find(({ publicKey }) => publicKey !== undefined && publicKey === key)
  );
}

function newcomer(peer: PeerDraft, key: string, ranges: readonly Cidr[]): HostDraft {
  const [address = ''] = addressesOf(peer, ranges);
  const name = `host-${nameOf(address === '' ? key.slice(0, 8) : address, 'unknown')}`;
  return { name, publicKey: undefined, addresses: [], listenPort: undefined, endpoints: new Set(), routes: new Set() };
}

function learn(host: HostDraft, peer: PeerDraft, key: string | undefined, ranges: readonly Cidr[]): void {
  host.publicKey ??= key;
  if (host.addresses.length === 0) host.addresses.push(...addressesOf(peer, ranges));
  if (peer.endpoint !== undefined) {
    host.endpoints.add(formatEndpoint(peer.endpoint));
    host.listenPort ??= peer.endpoint.port;
  }
  // What is inside of the network, or is all the world, is no subnet behind a host.
  for (const prefix of peer.allowedIps)
    if (prefix.prefixLength > 0 && !ranges.some((range) => overlaps(range, prefix)))
      host.routes.add(formatCidr(maskCidr(prefix)));
}

function finish({ name, publicKey, addresses, listenPort, endpoints, routes }: HostDraft): FoundHost {
  return { name, publicKey, addresses, listenPort, endpoint: [...endpoints][0] ?? null, routes: [...routes] };
}
