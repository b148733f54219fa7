/**
 * What two peers of a file both claim: a public key, an endpoint, addresses. Found through tables, so that a file with
 * thousands of peers takes no longer than it must.
 */
import { addressBits, cidr, formatCidr, maskCidr, type Cidr } from '../ip.ts';
import { formatKey } from '../keys.ts';
import { formatEndpoint } from './config.ts';
import { lineOfPrefix, type PeerSection, type Reporter } from './finding.ts';
import { lineOf } from './lines.ts';

export function checkClaims(peers: readonly PeerSection[], report: Reporter): void {
  checkPublicKeys(peers, report);
  checkEndpoints(peers, report);
  checkPrefixes(peers, report);
}

function checkPublicKeys(peers: readonly PeerSection[], report: Reporter): void {
  const owners = new Map<string, PeerSection>();
  for (const current of peers) {
    const key = keyOf(current);
    const owner = key === undefined ? undefined : owners.get(key);
    if (owner !== undefined)
      report.error(
        'duplicate-peer',
        lineOf(current.section, 'PublicKey'),
        `${nameOf(owner)} has the same PublicKey: wg takes both for one peer`,
        'Give each host a key of its own, or join the two sections.',
      );
    else if (key !== undefined) owners.set(key, current);
  }
}

function checkEndpoints(peers: readonly PeerSection[], report: Reporter): void {
  const owners = new Map<string, PeerSection>();
  for (const current of peers) {
    if (current.peer.endpoint === undefined) continue;
    const where = formatEndpoint(current.peer.endpoint).toLowerCase();
    const owner = owners.get(where);
    owners.set(where, owner ?? current);
    if (owner === undefined) continue;
    report.error(
      'port-clash',
      lineOf(current.section, 'Endpoint'),
      `${nameOf(owner)} has the same Endpoint: two hosts cannot listen on one port of one address`,
      'Give one of them another port.',
    );
  }
}

/** A prefix of a peer; `order` counts them through the file. */
interface Claim {
  owner: PeerSection;
  prefix: Cidr;
  order: number;
}

function checkPrefixes(peers: readonly PeerSection[], report: Reporter): void {
  const claims = peers
    .flatMap((owner) => owner.peer.allowedIps.map((prefix) => ({ owner, prefix })))
    // What goes everywhere else is meant to be narrowed by the others.
    .filter(({ prefix }) => prefix.prefixLength > 0)
    .map((claim, order): Claim => ({ ...claim, order }));
  const first = new Map<string, Claim>();
  for (const claim of claims) {
    const text = formatCidr(maskCidr(claim.prefix));
    first.set(text, first.get(text) ?? claim);
  }
  const lengths = [...new Set(claims.map(({ prefix }) => prefix.prefixLength))].sort((a, b) => b - a);
  const reported = new Set<Claim>();
  for (const claim of claims) {
    const around = findAround(claim, first, lengths);
    if (around === undefined) continue;
    const [earlier, later] = around.order < claim.order ? [around, claim] : [claim, around];
    // One line for a range around hundreds of others is enough.
    if (!reported.has(later)) reportOverlap(earlier, later, report);
    reported.add(later);
  }
}

/** The longest prefix of another peer that this one lies in. */
function findAround(claim: Claim, first: ReadonlyMap<string, Claim>, lengths: readonly number[]): Claim | undefined {
  const { owner, prefix } = claim;
  for (const length of lengths) {
    if (length > prefix.prefixLength || length > addressBits(prefix.family)) continue;
    const around = first.get(formatCidr(maskCidr(cidr(prefix, length))));
    // Two sections of one peer are one to wg.
    if (around === undefined || around.owner === owner || isSameKey(around.owner, owner)) continue;
    return around;
  }
  return undefined;
}

function reportOverlap(earlier: Claim, later: Claim, report: Reporter): void {
  const line = lineOfPrefix(later.owner.section, 'AllowedIPs', later.prefix);
  const remedy = 'Let every address belong to one peer.';
  const text = formatCidr(later.prefix);
  if (earlier.prefix.prefixLength === later.prefix.prefixLength) {
    const message = `${text} also belongs to ${nameOf(earlier.owner)}: only one of them gets it`;
    report.error('overlapping-allowed-ips', line, message, remedy);
  } else {
    const message = `${text} overlaps ${formatCidr(earlier.prefix)} of ${nameOf(earlier.owner)}: the longer prefix wins`;
    report.warning('overlapping-allowed-ips', line, message, remedy);
  }
}

function isSameKey(a: PeerSection, b: PeerSection): boolean {
  const key = keyOf(a);
  return key !== undefined && key === keyOf(b);
}

function keyOf({ peer }: PeerSection): string | undefined {
  return peer.publicKey && formatKey(peer.publicKey);
}

function nameOf({ section }: PeerSection): string {
  return `the peer in line ${section.line}`;
}
