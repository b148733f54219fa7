/**
 * The checks of one file by itself.
 */
import { equalBytes } from '../bytes.ts';
import {
  addressBits,
  equalAddresses,
  formatAddress,
  formatCidr,
  isReservedAddress,
  maskCidr,
  type Cidr,
} from '../ip.ts';
import { formatKey } from '../keys.ts';
import { checkClaims } from './check-claims.ts';
import { lineOfPrefix, type CheckedFile, type PeerSection, type Reporter } from './finding.ts';
import { isNamed, lineOf, splitLines, type Section } from './lines.ts';
import { describeProblem } from './parse.ts';

/** IPv6 needs this much (RFC 8200 section 5). */
const MIN_IPV6_MTU = 1280;

/** @param ranges The networks that the hosts' addresses are in. */
export function checkFile(file: CheckedFile, ranges: readonly Cidr[], report: Reporter): void {
  checkSyntax(file, report);
  if (file.source.interface === undefined)
    report.error('no-interface', 1, 'there is no [Interface] section', 'Add one, with PrivateKey and Address.');
  else checkInterface(file, file.source.interface, ranges, report);
  const peers = file.peers.map((peer, i): PeerSection => ({ peer, section: file.source.peers[i]! }));
  for (const current of peers) {
    checkSelf(file, current, report);
    checkAllowedIps(file, current, ranges, report);
    checkWayIn(file, current, report);
  }
  checkClaims(peers, report);
}

function checkSyntax({ text, problems }: CheckedFile, report: Reporter): void {
  for (const problem of problems) {
    const remedy = problem.found === 'nothing' ? 'Fill in the value.' : 'Mend the line, or take it out.';
    report.error('invalid', problem.line, describeProblem(problem), remedy);
  }
  const semicolon = splitLines(text).find((line) => line.raw.trim().startsWith(';'));
  if (semicolon !== undefined)
    report.warning(
      'semicolon-comment',
      semicolon.number,
      'wg and wg-quick refuse comments that begin with ";"',
      'Begin them with "#".',
    );
}

function checkInterface(file: CheckedFile, section: Section, ranges: readonly Cidr[], report: Reporter): void {
  const { addresses, mtu, privateKey, postUp } = file.interface;
  if (privateKey === undefined && !isInvalid(file, section, 'PrivateKey')) {
    // wg set %i private-key FILE
    const isSetLater = postUp.some((line) => line.includes('private-key'));
    const line = lineOf(section, 'PrivateKey');
    if (!isSetLater)
      report.error(
        'no-private-key',
        line,
        `the interface has ${describeAbsence(section, 'PrivateKey')}`,
        'Make one with: peerage genkey',
      );
    else if (isPresent(section, 'PrivateKey'))
      report.error('no-private-key', line, 'wg refuses an empty PrivateKey', 'Take the line out: PostUp sets the key.');
  }
  if (addresses.length === 0 && !isInvalid(file, section, 'Address'))
    report.error(
      'no-address',
      lineOf(section, 'Address'),
      `the interface has ${describeAbsence(section, 'Address')}`,
      'Give it its addresses inside the VPN, the same that the others have as AllowedIPs.',
    );
  for (const address of addresses) checkReserved(address, section, 'Address', ranges, report);
  if (mtu !== undefined && mtu < MIN_IPV6_MTU && addresses.some((address) => address.family === 6))
    report.error(
      'small-mtu',
      lineOf(section, 'MTU'),
      `an MTU of ${mtu} is too small for the IPv6 address`,
      `Use at least ${MIN_IPV6_MTU}, or no MTU line.`,
    );
}

function checkSelf(file: CheckedFile, { peer, section }: PeerSection, report: Reporter): void {
  if (file.publicKey && peer.publicKey && equalBytes(file.publicKey, peer.publicKey)) {
    report.error(
      'self-peer',
      lineOf(section, 'PublicKey'),
      `the peer ${formatKey(peer.publicKey)} is this host itself`,
      'Take the [Peer] section out of this file, or give one of the two hosts a key of its own.',
    );
    return;
  }
  for (const prefix of peer.allowedIps)
    if (isSingle(prefix) && file.interface.addresses.some((address) => equalAddresses(address, prefix)))
      report.error(
        'self-peer',
        lineOfPrefix(section, 'AllowedIPs', prefix),
        `${formatAddress(prefix)} is the address of this host itself`,
        'Take the [Peer] section of this host out of its own file, or give one of the two another address.',
      );
}

function checkAllowedIps(
  file: CheckedFile,
  { peer, section }: PeerSection,
  ranges: readonly Cidr[],
  report: Reporter,
): void {
  if (peer.allowedIps.length === 0 && !isInvalid(file, section, 'AllowedIPs'))
    report.warning(
      'no-allowed-ips',
      lineOf(section, 'AllowedIPs'),
      `with ${describeAbsence(section, 'AllowedIPs')} nothing is sent to this peer, and nothing is taken from it`,
      'Add AllowedIPs with its addresses inside the VPN.',
    );
  for (const prefix of peer.allowedIps) {
    const whole = formatCidr(maskCidr(prefix));
    if (whole !== formatCidr(prefix))
      report.warning(
        'host-bits',
        lineOfPrefix(section, 'AllowedIPs', prefix),
        `${formatCidr(prefix)} means the whole of ${whole}`,
        `Write ${whole}, or ${formatAddress(prefix)}/${addressBits(prefix.family)} for the one address.`,
      );
    if (isSingle(prefix)) checkReserved(prefix, section, 'AllowedIPs', ranges, report);
  }
}

function checkWayIn(file: CheckedFile, { section }: PeerSection, report: Reporter): void {
  if (isPresent(section, 'Endpoint') || (file.interface.listenPort ?? 0) !== 0) return;
  report.warning(
    'unreachable-peer',
    section.line,
    'the peer has no Endpoint and this interface no ListenPort: neither can find the other',
    'Give the peer an Endpoint, or this interface a ListenPort that the peer knows.',
  );
}

function checkReserved(
  address: Cidr,
  section: Section,
  key: 'Address' | 'AllowedIPs',
  ranges: readonly Cidr[],
  report: Reporter,
): void {
  if (!ranges.some((range) => isReservedAddress(range, address))) return;
  report.error(
    'network-address',
    lineOfPrefix(section, key, address),
    `${formatAddress(address)} is the first or the last address of the network, which no host can have`,
    'Choose another address of the range.',
  );
}

/** Whether a value of this key has been reported already. */
function isInvalid({ problems }: CheckedFile, section: Section, key: string): boolean {
  return section.entries.some(
    (entry) => isNamed(entry.key, key) && problems.some((problem) => problem.line === entry.line),
  );
}

function isSingle(prefix: Cidr): boolean {
  return prefix.prefixLength === addressBits(prefix.family);
}

function describeAbsence(section: Section, key: string): string {
  return isPresent(section, key) ? `an empty ${key}` : `no ${key}`;
}

function isPresent(section: Section, key: string): boolean {
  return section.entries.some((entry) => isNamed(entry.key, key));
}
