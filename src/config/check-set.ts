/**
 * The checks across the files of one network: what one host says of another against what that other says of itself.
 *
 * A peer is recognised by its public key; by its allowed IPs or by its name (`dolores.conf`, `dolores.example.net`)
 * where the key fits no host, or fits several.
 */
import { addressBits, cidr, containsAddress, formatAddress, formatCidr, maskCidr, type Cidr } from '../ip.ts';
import { formatKey, isNoKey } from '../keys.ts';
import { formatEndpoint } from './config.ts';
import type { PeerDraft } from './fields.ts';
import { lineOfPrefix, type CheckedFile, type PeerSection, type Reporter } from './finding.ts';
import { isNamed, lineOf } from './lines.ts';

/** What one host says of another. */
interface Relation extends PeerSection {
  from: CheckedFile;
  /** The host that is meant; absent when no file is its. */
  to: CheckedFile | undefined;
}

/** By what a host is recognised; the first file counts where several would do. */
interface Hosts {
  byKey: ReadonlyMap<string, readonly CheckedFile[]>;
  byAddress: ReadonlyMap<string, readonly CheckedFile[]>;
  byName: ReadonlyMap<string, readonly CheckedFile[]>;
}

export function checkSet(files: readonly CheckedFile[], reporterOf: (file: CheckedFile) => Reporter): void {
  const hosts: Hosts = {
    byKey: groupBy(files, (file) => (file.publicKey === undefined ? [] : [formatKey(file.publicKey)])),
    byAddress: groupBy(files, (file) => file.interface.addresses.map(formatAddress)),
    byName: groupBy(files, (file) => [nameOf(file)]),
  };
  checkPrivateKeys(files, hosts, reporterOf);
  checkAddresses(files, hosts, reporterOf);

  const relations = files.flatMap((from) =>
    from.peers.map((peer, i): Relation => ({ from, peer, section: from.source.peers[i]!, to: recognise(peer, hosts) })),
  );
  checkPortClashes(relations, reporterOf);
  for (const relation of relations) checkPublicKey(relation, hosts, reporterOf(relation.from));

  const between = relations.filter(isBetweenHosts);
  const towards = groupBy(between, ({ to }) => [to.file]);
  const pairs = groupBy(between, ({ from, to }) => [pairOf(from, to)]);
  const seen = new Set<string>();
  for (const relation of between) {
    const { from, to } = relation;
    const report = reporterOf(from);
    checkPeerAddresses(relation, to, report);
    checkPeerPort(relation, to, report);
    checkKeepalive(relation, towards.get(from.file) ?? [], report);
    const back = pairs.get(pairOf(to, from))?.[0];
    if (back === undefined) checkOneSided(relation, to, report);
    else if (!seen.has(pairOf(to, from))) checkBothSides(relation, back, report);
    seen.add(pairOf(from, to));
  }
}

function recognise(peer: PeerDraft, { byKey, byAddress, byName }: Hosts): CheckedFile | undefined {
  const name = peer.endpoint?.host.split('.', 1)[0]?.toLowerCase();
  const named = name === undefined ? undefined : byName.get(name)?.[0];
  const keyed = (peer.publicKey && byKey.get(formatKey(peer.publicKey))) ?? [];
  if (keyed.length > 0) return keyed.find((file) => file === named) ?? keyed[0];
  const addressed = peer.allowedIps.filter(isSingle).flatMap((prefix) => byAddress.get(formatAddress(prefix)) ?? []);
  return addressed[0] ?? named;
}

function checkPrivateKeys(
  files: readonly CheckedFile[],
  { byKey }: Hosts,
  reporterOf: (file: CheckedFile) => Reporter,
): void {
  for (const file of files) {
    const first = file.publicKey && byKey.get(formatKey(file.publicKey))?.[0];
    if (first === undefined || first === file || file.source.interface === undefined) continue;
    reporterOf(file).error(
      'shared-private-key',
      lineOf(file.source.interface, 'PrivateKey'),
      `${first.file} has the same PrivateKey: peers cannot tell the two hosts apart`,
      'Give each host a key of its own: peerage genkey',
    );
  }
}

function checkAddresses(
  files: readonly CheckedFile[],
  { byAddress }: Hosts,
  reporterOf: (file: CheckedFile) => Reporter,
): void {
  for (const file of files)
    for (const address of file.interface.addresses) {
      const first = byAddress.get(formatAddress(address))?.[0];
      if (first === undefined || first === file || file.source.interface === undefined) continue;
      reporterOf(file).error(
        'duplicate-address',
        lineOfPrefix(file.source.interface, 'Address', address),
        `${first.file} has the address ${formatAddress(address)} too`,
        'Give each host an address of its own.',
      );
    }
}

function checkPortClashes(relations: readonly Relation[], reporterOf: (file: CheckedFile) => Reporter): void {
  const owners = new Map<string, Relation>();
  for (const relation of relations) {
    const { from, peer, section, to } = relation;
    if (peer.endpoint === undefined || to === undefined) continue;
    const where = formatEndpoint(peer.endpoint);
    const owner = owners.get(where.toLowerCase());
    owners.set(where.toLowerCase(), owner ?? relation);
    // Within one file check-claims.ts has seen it.
    if (owner === undefined || owner.to === to || owner.from === from) continue;
    reporterOf(from).error(
      'port-clash',
      lineOf(section, 'Endpoint'),
      `${where} is ${to.file} here and ${owner.to?.file} in ${owner.from.file}:${owner.section.line}`,
      'Give one of them another port.',
    );
  }
}

function checkPublicKey({ peer, section, to }: Relation, { byKey }: Hosts, report: Reporter): void {
  if (peer.publicKey === undefined || byKey.has(formatKey(peer.publicKey))) return;
  const line = lineOf(section, 'PublicKey');
  const key = formatKey(peer.publicKey);
  if (to?.publicKey === undefined)
    report.warning(
      'unknown-public-key',
      line,
      `no file has the private key of ${key}`,
      'Check the file of that host too, or correct the key: peerage pubkey < private.key',
    );
  else
    report.error(
      'unknown-public-key',
      line,
      `${key} matches no private key: ${to.file} has another one`,
      `Write PublicKey = ${formatKey(to.publicKey)}`,
    );
}

function checkPeerAddresses({ peer, section }: Relation, to: CheckedFile, report: Reporter): void {
  for (const own of to.interface.addresses) {
    if (peer.allowedIps.some((prefix) => containsAddress(prefix, single(own)))) continue;
    // What is meant instead: an address of the same network.
    const expected = peer.allowedIps.find((prefix) => containsAddress(maskCidr(own), prefix));
    report.error(
      'address-mismatch',
      expected ? lineOfPrefix(section, 'AllowedIPs', expected) : lineOf(section, 'AllowedIPs'),
      `${to.file} has the Address ${formatAddress(own)}, ` +
        (expected ? `not ${formatCidr(expected)}` : 'which is not among these AllowedIPs'),
      `Write ${formatCidr(single(own))} here, or change the Address in ${to.file}.`,
    );
  }
}

function checkPeerPort({ peer, section }: Relation, to: CheckedFile, report: Reporter): void {
  const { listenPort } = to.interface;
  if (to.source.interface === undefined || peer.endpoint === undefined || peer.endpoint.port === listenPort) return;
  report.warning(
    'port-mismatch',
    lineOf(section, 'Endpoint'),
    listenPort === undefined
      ? `${to.file} has no ListenPort and will listen anywhere but on ${peer.endpoint.port}`
      : `${to.file} listens on port ${listenPort}, not on ${peer.endpoint.port}`,
    `Use the same port in both, unless a router between them maps the one to the other.`,
  );
}

function checkOneSided({ from, section }: Relation, to: CheckedFile, report: Reporter): void {
  // Nobody knows whose file it is when it has no [Interface].
  if (from.source.interface === undefined) return;
  report.error(
    'one-sided-peer',
    section.line,
    `${to.file} has no [Peer] for this host and will not answer it`,
    `Add one to ${to.file}, with the public key of this host.`,
  );
}

/** Reported once, where the first of the two says it. */
function checkBothSides(relation: Relation, back: Relation, report: Reporter): void {
  const { peer, section } = relation;
  if (!hasEndpoint(relation) && !hasEndpoint(back))
    report.warning(
      'unreachable-peer',
      section.line,
      `neither this host nor ${back.from.file} has an Endpoint for the other: nobody can begin`,
      'Give one of the two an Endpoint, or let a registry tell them where they are.',
    );
  if (presharedKeyText(peer) !== presharedKeyText(back.peer))
    report.error(
      'preshared-key-mismatch',
      lineOf(section, 'PresharedKey'),
      `${back.from.file}:${lineOf(back.section, 'PresharedKey')} has another PresharedKey for this host, or none`,
      'Write the same PresharedKey in both: peerage genpsk',
    );
}

/** A host that nobody can call has to keep the way through its NAT open itself. */
function checkKeepalive(relation: Relation, towardsUs: readonly Relation[], report: Reporter): void {
  if (!hasEndpoint(relation) || towardsUs.length === 0 || towardsUs.some(hasEndpoint)) return;
  if ((relation.peer.persistentKeepalive ?? 0) > 0) return;
  report.info(
    'missing-keepalive',
    relation.section.line,
    'nobody has an Endpoint for this host: behind a NAT it is out of reach once it has been silent for a while',
    'If it is behind a NAT, add PersistentKeepalive = 25',
  );
}

function isBetweenHosts(relation: Relation): relation is Relation & { to: CheckedFile } {
  return relation.to !== undefined && relation.to !== relation.from;
}

function pairOf(from: CheckedFile, to: CheckedFile): string {
  return `${from.file}\n${to.file}`;
}

function groupBy<Item>(items: readonly Item[], keysOf: (item: Item) => readonly string[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items)
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  return groups;
}

/** The one address, without its network. */
function single(address: Cidr): Cidr {
  return cidr(address, addressBits(address.family));
}

function isSingle(prefix: Cidr): boolean {
  return prefix.prefixLength === addressBits(prefix.family);
}

function hasEndpoint({ section }: PeerSection): boolean {
  return section.entries.some((entry) => isNamed(entry.key, 'Endpoint'));
}

/** Never shown, only compared. */
function presharedKeyText({ presharedKey }: PeerDraft): string {
  return presharedKey === undefined || isNoKey(presharedKey) ? '' : formatKey(presharedKey);
}

/** `dolores` of `hosts/dolores.conf`. */
function nameOf(file: CheckedFile): string {
  return file.file.replace(/^.*\//, '').replace(/\..*$/, '').toLowerCase();
}
