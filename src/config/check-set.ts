/**
 * The checks across the files of one network: what one host says of another against what that other says of itself.
 *
 * A peer is recognised by its public key; by its allowed IPs or by its name (`dolores.conf`, `dolores.example.net`)
 * where the key fits no host, or fits several.
 */
import { equalBytes } from '../bytes.ts';
import {
  addressBits,
  cidr,
  containsAddress,
  equalAddresses,
  formatAddress,
  formatCidr,
  maskCidr,
  type Cidr,
} from '../ip.ts';
import { formatKey, isNoKey, type PublicKey } from '../keys.ts';
import { formatEndpoint } from './config.ts';
import { lineOfPrefix } from './check-file.ts';
import type { PeerDraft } from './fields.ts';
import type { CheckedFile, Reporter } from './finding.ts';
import { lineOf, type Section } from './lines.ts';

/** What one host says of another. */
interface Relation {
  from: CheckedFile;
  peer: PeerDraft;
  section: Section;
  /** The host that is meant; absent when no file is its. */
  to: CheckedFile | undefined;
}

export function checkSet(files: readonly CheckedFile[], reporterOf: (file: CheckedFile) => Reporter): void {
  const relations = files.flatMap((from) =>
    from.peers.map((peer, i): Relation => ({ from, peer, section: from.source.peers[i]!, to: recognise(peer, files) })),
  );
  checkPrivateKeys(files, reporterOf);
  checkAddresses(files, reporterOf);
  checkPortClashes(relations, reporterOf);
  for (const relation of relations) {
    const report = reporterOf(relation.from);
    checkPublicKey(relation, files, report);
    if (relation.to === undefined || relation.to === relation.from) continue;
    checkPeerAddresses(relation, relation.to, report);
    checkPeerPort(relation, relation.to, report);
    checkOtherSide(relation, relation.to, relations, report);
    checkKeepalive(relation, relations, report);
  }
}

function recognise(peer: PeerDraft, files: readonly CheckedFile[]): CheckedFile | undefined {
  const byName = files.find((file) => nameOf(file) === peer.endpoint?.host.split('.', 1)[0]?.toLowerCase());
  const byKey = files.filter((file) => hasKey(file, peer.publicKey));
  if (byKey.length > 0) return byName && byKey.length > 1 && byKey.includes(byName) ? byName : byKey[0];
  const byAddress = files.find((file) =>
    file.interface.addresses.some((own) =>
      peer.allowedIps.some((prefix) => formatCidr(prefix) === formatCidr(single(own))),
    ),
  );
  return byAddress ?? byName;
}

function checkPrivateKeys(files: readonly CheckedFile[], reporterOf: (file: CheckedFile) => Reporter): void {
  files.forEach((file, i) => {
    const other = files.slice(0, i).find((earlier) => hasKey(earlier, file.publicKey));
    if (other === undefined || file.source.interface === undefined) return;
    reporterOf(file).error(
      'shared-private-key',
      lineOf(file.source.interface, 'PrivateKey'),
      `${other.file} has the same PrivateKey: peers cannot tell the two hosts apart`,
      'Give each host a key of its own: peerage genkey',
    );
  });
}

function checkAddresses(files: readonly CheckedFile[], reporterOf: (file: CheckedFile) => Reporter): void {
  files.forEach((file, i) => {
    for (const address of file.interface.addresses) {
      const has = ({ interface: other }: CheckedFile): boolean =>
        other.addresses.some((theirs) => equalAddresses(theirs, address));
      const other = files.slice(0, i).find(has);
      if (other === undefined || file.source.interface === undefined) continue;
      reporterOf(file).error(
        'duplicate-address',
        lineOfPrefix(file.source.interface, 'Address', address),
        `${other.file} has the address ${formatAddress(address)} too`,
        'Give each host an address of its own.',
      );
    }
  });
}

function checkPortClashes(relations: readonly Relation[], reporterOf: (file: CheckedFile) => Reporter): void {
  const owners = new Map<string, Relation>();
  for (const relation of relations) {
    const { from, peer, section, to } = relation;
    if (peer.endpoint === undefined || to === undefined) continue;
    const where = formatEndpoint(peer.endpoint);
    const owner = owners.get(where.toLowerCase());
    owners.set(where.toLowerCase(), owner ?? relation);
    // Within one file check-file.ts has seen it.
    if (owner === undefined || owner.to === to || owner.from === from) continue;
    reporterOf(from).error(
      'port-clash',
      lineOf(section, 'Endpoint'),
      `${where} is ${to.file} here and ${owner.to?.file} in ${owner.from.file}:${owner.section.line}`,
      'Give one of them another port.',
    );
  }
}

function checkPublicKey({ peer, section, to }: Relation, files: readonly CheckedFile[], report: Reporter): void {
  if (peer.publicKey === undefined || files.some((file) => hasKey(file, peer.publicKey))) return;
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

function checkOtherSide(relation: Relation, to: CheckedFile, relations: readonly Relation[], report: Reporter): void {
  const { from, peer, section } = relation;
  const back = relations.find((other) => other.from === to && other.to === from);
  // Nobody knows whose file it is when it has no [Interface].
  if (back === undefined && from.source.interface === undefined) return;
  if (back === undefined) {
    report.error(
      'one-sided-peer',
      section.line,
      `${to.file} has no [Peer] for this host and will not answer it`,
      `Add one to ${to.file}, with the public key of this host.`,
    );
    return;
  }
  const isFirst = relations.indexOf(relation) < relations.indexOf(back);
  if (!isFirst) return;
  if (!hasEndpoint(relation) && !hasEndpoint(back))
    report.warning(
      'unreachable-peer',
      section.line,
      `neither this host nor ${to.file} has an Endpoint for the other: nobody can begin`,
      'Give one of the two an Endpoint, or let a registry tell them where they are.',
    );
  if (presharedKeyText(peer) !== presharedKeyText(back.peer))
    report.error(
      'preshared-key-mismatch',
      lineOf(section, 'PresharedKey'),
      `${to.file}:${lineOf(back.section, 'PresharedKey')} has another PresharedKey for this host, or none`,
      'Write the same PresharedKey in both: peerage genpsk',
    );
}

/** A host that nobody can call has to keep the way through its NAT open itself. */
function checkKeepalive(relation: Relation, relations: readonly Relation[], report: Reporter): void {
  const { from, peer, section } = relation;
  const towardsUs = relations.filter((other) => other.to === from && other.from !== from);
  if (!hasEndpoint(relation) || towardsUs.length === 0 || towardsUs.some(hasEndpoint)) return;
  if ((peer.persistentKeepalive ?? 0) > 0) return;
  report.info(
    'missing-keepalive',
    section.line,
    'nobody has an Endpoint for this host: behind a NAT it is out of reach once it has been silent for a while',
    'If it is behind a NAT, add PersistentKeepalive = 25',
  );
}

/** The one address, without its network. */
function single(address: Cidr): Cidr {
  return cidr(address, addressBits(address.family));
}

function hasKey(file: CheckedFile, key: PublicKey | undefined): boolean {
  return file.publicKey !== undefined && key !== undefined && equalBytes(file.publicKey, key);
}

function hasEndpoint({ section }: Relation): boolean {
  return section.entries.some((entry) => entry.key.toLowerCase() === 'endpoint');
}

/** Never shown, only compared. */
function presharedKeyText({ presharedKey }: PeerDraft): string {
  return presharedKey === undefined || isNoKey(presharedKey) ? '' : formatKey(presharedKey);
}

/** `dolores` of `hosts/dolores.conf`. */
function nameOf(file: CheckedFile): string {
  return file.file.replace(/^.*\//, '').replace(/\..*$/, '').toLowerCase();
}
