/**
 * The output of `wg show`, byte for byte: for people (sorted, with units and colours), for scripts (one field) and as a
 * dump (all fields, separated by tabs).
 */
import { formatAddress, formatCidr, type Cidr } from '../../ip.ts';
import { formatKey, isNoKey, type Key } from '../../keys.ts';
import type { GetAnswer, PeerAnswer } from '../../uapi/parse-get.ts';
import { formatEndpoint, type ZoneNames } from './zones.ts';

export interface PrettyOptions {
  /** Wall clock in ms, for "ago". */
  now: number;
  colour: boolean;
  /** Whether private and preshared keys are written out. */
  revealKeys: boolean;
  zones: ZoneNames;
}

const RESET = '\x1b[0m';
const BOLD = '\x1b[1m';
const RED = '\x1b[31m';
const GREEN = '\x1b[32m';
const YELLOW = '\x1b[33m';
const CYAN = '\x1b[36m';
// oxlint-disable-next-line no-control-regex -- the escape sequences above, to take them out again
const ESCAPES = /\x1b\[\d+m/g;

const UNITS: readonly [unit: string, seconds: number][] = [
  ['year', 365 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

export function formatPretty(name: string, state: GetAnswer, options: PrettyOptions): string {
  const peers = [...state.peers].sort((a, b) => b.latestHandshakeMs - a.latestHandshakeMs);
  const head = [
    `${RESET}${GREEN}${BOLD}interface${RESET}: ${GREEN}${name}${RESET}`,
    ...field('public key', state.publicKey && formatKey(state.publicKey)),
    ...field('private key', state.privateKey && maskable(state.privateKey, options)),
    ...field('listening port', state.listenPort || undefined),
    ...field('fwmark', state.fwmark === 0 ? undefined : formatFwmark(state.fwmark)),
  ];
  const sections = [head, ...peers.map((peer) => prettyPeer(peer, options))];
  const text = `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
  return options.colour ? text : text.replaceAll(ESCAPES, '');
}

/** Fields of `wg show INTERFACE FIELD`. */
export const SHOW_FIELDS: Readonly<Record<string, (state: GetAnswer, zones: ZoneNames) => string[]>> = {
  'public-key': (state) => [formatOptionalKey(state.publicKey)],
  'private-key': (state) => [formatOptionalKey(state.privateKey)],
  'listen-port': (state) => [String(state.listenPort)],
  fwmark: (state) => [formatFwmark(state.fwmark)],
  peers: (state) => state.peers.map((peer) => formatKey(peer.publicKey)),
  'preshared-keys': perPeer((peer) => formatOptionalKey(peer.presharedKey)),
  endpoints: perPeer(formatEndpointOrNone),
  'allowed-ips': perPeer((peer) => formatAllowedIps(peer, ' ')),
  'latest-handshakes': perPeer((peer) => peer.exact.latestHandshake),
  transfer: perPeer((peer) => `${peer.exact.rxBytes}\t${peer.exact.txBytes}`),
  'persistent-keepalive': perPeer(formatKeepalive),
  dump: formatDump,
};

/** One line per value; with `name`, each begins with it, as `wg show all FIELD` writes them. */
export function formatField(field: string, state: GetAnswer, zones: ZoneNames, name?: string): string {
  const lines = SHOW_FIELDS[field]?.(state, zones) ?? [];
  if (name === undefined) return lines.map((line) => `${line}\n`).join('');
  // wg(8) names the interface once for this field, even where there is no peer. Scripts may rely on it.
  if (field === 'endpoints') return `${name}\t${lines.map((line) => `${line}\n`).join('')}`;
  return lines.map((line) => `${name}\t${line}\n`).join('');
}

/** `1.80 GiB`. */
export function formatBytes(count: number): string {
  return prettyBytes(count).replaceAll(ESCAPES, '');
}

/** `1 minute, 3 seconds ago`; `latestMs` and `now` in ms of the wall clock. */
export function formatAgo(latestMs: number, now: number): string {
  return prettyAgo(latestMs, now).replaceAll(ESCAPES, '');
}

function prettyPeer(peer: PeerAnswer, options: PrettyOptions): string[] {
  const transferred = peer.rxBytes > 0 || peer.txBytes > 0;
  const allowedIps = peer.allowedIps.map(prettyCidr).join(', ') || '(none)';
  return [
    `${YELLOW}${BOLD}peer${RESET}: ${YELLOW}${formatKey(peer.publicKey)}${RESET}`,
    ...field('preshared key', isNoKey(peer.presharedKey) ? undefined : maskable(peer.presharedKey, options)),
    ...field('endpoint', peer.endpoint && formatEndpoint(peer.endpoint, options.zones)),
    ...field('allowed ips', allowedIps),
    ...field('latest handshake', handshakeSeconds(peer) && prettyAgo(peer.latestHandshakeMs, options.now)),
    ...field(
      'transfer',
      transferred ? `${prettyBytes(peer.rxBytes)} received, ${prettyBytes(peer.txBytes)} sent` : undefined,
    ),
    ...field(
      'persistent keepalive',
      peer.persistentKeepalive === 0 ? undefined : `every ${prettyDuration(peer.persistentKeepalive)}`,
    ),
  ];
}

function field(label: string, value: string | number | undefined): string[] {
  return value === undefined || value === 0 ? [] : [`  ${BOLD}${label}${RESET}: ${value}`];
}

function maskable(key: Key, options: PrettyOptions): string {
  return options.revealKeys ? formatKey(key) : '(hidden)';
}

function prettyCidr(prefix: Cidr): string {
  return `${formatAddress(prefix)}${CYAN}/${RESET}${prefix.prefixLength}`;
}

function prettyAgo(latestMs: number, now: number): string {
  const seconds = Math.floor(now / 1000) - Math.floor(latestMs / 1000);
  if (seconds === 0) return 'Now';
  if (seconds < 0) return `(${RED}System clock wound backward; connection problems may ensue.${RESET})`;
  return `${prettyDuration(seconds)} ago`;
}

function prettyDuration(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count} ${CYAN}${unit}${count === 1 ? '' : 's'}${RESET}`);
  }
  return parts.join(', ');
}

function prettyBytes(count: number): string {
  if (count < 1024) return `${count} ${CYAN}B${RESET}`;
  const exponent = Math.min(4, [2, 3, 4].filter((power) => count >= 1024 ** power).length + 1);
  const value = count / 1024 ** exponent;
  // printf(3) rounds what lies exactly between two to the even one, toFixed() to the greater: 1.125 to 1.12 and to 1.13.
  const rounded = (8 * value) % 4 === 1 ? value - 0.005 : value;
  return `${rounded.toFixed(2)} ${CYAN}${['', 'K', 'M', 'G', 'T'][exponent]}iB${RESET}`;
}

function formatDump(state: GetAnswer, zones: ZoneNames): string[] {
  const own = [
    formatOptionalKey(state.privateKey),
    formatOptionalKey(state.publicKey),
    state.listenPort,
    formatFwmark(state.fwmark),
  ];
  const peers = state.peers.map((peer) => [
    formatKey(peer.publicKey),
    formatOptionalKey(peer.presharedKey),
    formatEndpointOrNone(peer, zones),
    formatAllowedIps(peer, ','),
    peer.exact.latestHandshake,
    peer.exact.rxBytes,
    peer.exact.txBytes,
    formatKeepalive(peer),
  ]);
  return [own, ...peers].map((fields) => fields.join('\t'));
}

function perPeer(
  format: (peer: PeerAnswer, zones: ZoneNames) => string,
): (state: GetAnswer, zones: ZoneNames) => string[] {
  return (state, zones) => state.peers.map((peer) => `${formatKey(peer.publicKey)}\t${format(peer, zones)}`);
}

function formatOptionalKey(key: Key | undefined): string {
  return key === undefined || isNoKey(key) ? '(none)' : formatKey(key);
}

function formatFwmark(mark: number): string {
  return mark === 0 ? 'off' : `0x${mark.toString(16)}`;
}

function formatEndpointOrNone({ endpoint }: PeerAnswer, zones: ZoneNames): string {
  return endpoint === undefined ? '(none)' : formatEndpoint(endpoint, zones);
}

function formatAllowedIps(peer: PeerAnswer, separator: string): string {
  return peer.allowedIps.map(formatCidr).join(separator) || '(none)';
}

function handshakeSeconds(peer: PeerAnswer): number {
  return Math.floor(peer.latestHandshakeMs / 1000);
}

function formatKeepalive(peer: PeerAnswer): string {
  return peer.persistentKeepalive === 0 ? 'off' : String(peer.persistentKeepalive);
}
