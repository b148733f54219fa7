/**
 * Writes a wg-quick(8) file. What parse.ts reads back is the same configuration; comments and order are not kept, for
 * that see rewrite.ts.
 */
import { formatCidr } from '../ip.ts';
import { formatKey } from '../keys.ts';
import { formatEndpoint, type Config, type InterfaceConfig, type PeerConfig } from './config.ts';

/** A key and its value; what is absent from a file is absent here. */
export type FormattedEntry = readonly [key: string, value: string];

/** Throws RangeError for a value that such a file cannot hold: one with a `#` or a line break. */
export function formatConfig(config: Config): string {
  return [formatSection('Interface', interfaceEntries(config.interface)), ...config.peers.map(formatPeer)].join('\n');
}

/** A whole [Peer] section, with its comment. */
export function formatPeer(peer: PeerConfig): string {
  return formatSection('Peer', peerEntries(peer), peer.comment);
}

export function formatEntry([key, value]: FormattedEntry): string {
  if (/[#\r\n]/.test(value)) throw new RangeError(`"${key}" expected a value without "#" and line breaks`);
  return `${key} = ${value}`;
}

/** A peer's values under their keys, in the order of wg(8). */
export function peerEntries(peer: PeerConfig): FormattedEntry[] {
  return [
    ['PublicKey', formatKey(peer.publicKey)],
    ...optional('PresharedKey', peer.presharedKey, formatKey),
    ...optional('Endpoint', peer.endpoint, formatEndpoint),
    ...list('AllowedIPs', peer.allowedIps.map(formatCidr)),
    ...optional('PersistentKeepalive', peer.persistentKeepalive, formatOrOff),
  ];
}

function interfaceEntries(from: InterfaceConfig): FormattedEntry[] {
  return [
    ...optional('PrivateKey', from.privateKey, formatKey),
    ...optional('ListenPort', from.listenPort, String),
    ...optional('FwMark', from.fwmark, (mark) => (mark === 0 ? 'off' : `0x${mark.toString(16)}`)),
    ...list('Address', from.addresses.map(formatCidr)),
    ...list('DNS', from.dns),
    ...optional('MTU', from.mtu, String),
    ...optional('Table', from.table, String),
    ...from.preUp.map((line) => ['PreUp', line] as const),
    ...from.postUp.map((line) => ['PostUp', line] as const),
    ...from.preDown.map((line) => ['PreDown', line] as const),
    ...from.postDown.map((line) => ['PostDown', line] as const),
    ...optional('SaveConfig', from.saveConfig || undefined, String),
  ];
}

function formatSection(name: string, entries: readonly FormattedEntry[], comment?: string): string {
  const comments = comment === undefined ? [] : comment.split(/[\r\n]+/).map((line) => `# ${line}`);
  return [`[${name}]`, ...comments, ...entries.map(formatEntry), ''].join('\n');
}

function optional<Value>(
  key: string,
  value: Value | undefined,
  format: (value: Value) => string,
): readonly FormattedEntry[] {
  return value === undefined ? [] : [[key, format(value)]];
}

function list(key: string, values: readonly string[]): readonly FormattedEntry[] {
  return values.length === 0 ? [] : [[key, values.join(', ')]];
}

function formatOrOff(seconds: number): string {
  return seconds === 0 ? 'off' : String(seconds);
}
