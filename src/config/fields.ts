/**
 * The keys of wg(8) and wg-quick(8): what each is called, what it takes, and where its value goes.
 */
import { parseAddress, parseCidr, type Cidr } from '../ip.ts';
import { parsePresharedKey, parsePrivateKey, parsePublicKey } from '../keys.ts';
import { parseEndpoint, type InterfaceConfig, type PeerConfig } from './config.ts';

/** A type whose properties are filled while a file is read. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] };
export type InterfaceDraft = Mutable<InterfaceConfig>;
/** A peer whose key may be missing; such a file has a problem, but the rest of the peer is still worth checking. */
export type PeerDraft = Mutable<Omit<PeerConfig, 'publicKey'>> & { publicKey?: PeerConfig['publicKey'] };

export interface Field<Into> {
  name: string;
  /** Completes "expected ...". */
  expected: string;
  /** Its value is never shown. */
  secret: boolean;
  /** False when the text is not what is expected. */
  read(text: string, into: Into): boolean;
}

const KEY = '44 characters of base64 (32 bytes)';
const CIDR = 'addresses with a prefix length, separated by commas';
const HOOK = 'a shell command';

export const INTERFACE_FIELDS: readonly Field<InterfaceDraft>[] = [
  // Left empty where the private key lives in a file of its own.
  secret(
    field('PrivateKey', KEY, emptyOr(packed(parsePrivateKey)), (into, key) => (into.privateKey = key ?? undefined)),
  ),
  field('ListenPort', 'a port from 0 to 65535', packed(parsePort), (into, port) => (into.listenPort = port)),
  field('FwMark', 'a number from 0 to 0xffffffff, or off', packed(parseFwmark), (into, mark) => (into.fwmark = mark)),
  field('Address', CIDR, spacedList(parseCidr), (into, list) => append(into.addresses, list)),
  field('DNS', 'addresses or search domains, separated by commas', spacedList(parseDns), (into, list) =>
    append(into.dns, list),
  ),
  field(
    'MTU',
    'a number from 68 to 65535',
    emptyOr(parseNumber(68, 65535)),
    (into, mtu) => (into.mtu = mtu ?? undefined),
  ),
  field(
    'Table',
    'off, auto, or a routing table',
    emptyOr(parseTable),
    (into, table) => (into.table = table ?? undefined),
  ),
  field('PreUp', HOOK, parseText, (into, line) => append(into.preUp, line)),
  field('PostUp', HOOK, parseText, (into, line) => append(into.postUp, line)),
  field('PreDown', HOOK, parseText, (into, line) => append(into.preDown, line)),
  field('PostDown', HOOK, parseText, (into, line) => append(into.postDown, line)),
  field('SaveConfig', 'true or false', parseBoolean, (into, save) => (into.saveConfig = save)),
];

export const PEER_FIELDS: readonly Field<PeerDraft>[] = [
  field('PublicKey', KEY, packed(parsePublicKey), (into, key) => (into.publicKey = key)),
  secret(field('PresharedKey', KEY, packed(parsePresharedKey), (into, key) => (into.presharedKey = key))),
  field('Endpoint', 'host:port or [IPv6 address]:port', packed(parseEndpoint), (into, at) => (into.endpoint = at)),
  field('AllowedIPs', CIDR, parseAllowedIps, (into, list) => append(into.allowedIps, list)),
  field('PersistentKeepalive', 'seconds from 0 to 65535, or off', packed(parseKeepalive), (into, seconds) => {
    into.persistentKeepalive = seconds;
  }),
];

/** The prefixes of an AllowedIPs value, or undefined when one of them is none. An empty value is an empty list. */
export function parseAllowedIps(text: string): Cidr[] | undefined {
  const value = withoutSpace(text);
  return value === '' ? [] : parseAll(value.split(','), parseCidr);
}

function field<Into, Value>(
  name: string,
  expected: string,
  parse: (text: string) => Value | undefined,
  put: (into: Into, value: Value) => void,
): Field<Into> {
  const read = (text: string, into: Into): boolean => {
    const value = parse(text);
    if (value === undefined) return false;
    put(into, value);
    return true;
  };
  return { name, expected, secret: false, read };
}

/** Not push(...items): a list may be longer than what a call takes. */
function append<Item>(list: Item[], items: readonly Item[]): void {
  for (const item of items) list.push(item);
}

function secret<Into>(of: Field<Into>): Field<Into> {
  return { ...of, secret: true };
}

function withoutSpace(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

/** wg(8) ignores white space anywhere in its values. */
function packed<Value>(parse: (text: string) => Value | undefined): (text: string) => Value | undefined {
  return (text) => parse(withoutSpace(text));
}

/** Null for an empty value, which wg-quick(8) takes for none. */
function emptyOr<Value>(parse: (text: string) => Value | undefined): (text: string) => Value | null | undefined {
  return (text) => (text === '' ? null : parse(text));
}

/** wg-quick(8) splits its lists at commas and at white space. */
function spacedList<Item>(parse: (text: string) => Item | undefined): (text: string) => Item[] | undefined {
  return (text) =>
    parseAll(
      text.split(/[\s,]+/).filter((item) => item !== ''),
      parse,
    );
}

function parseAll<Item>(texts: readonly string[], parse: (text: string) => Item | undefined): Item[] | undefined {
  const items: Item[] = [];
  for (const text of texts) {
    const item = parse(text);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

function parseNumber(from: number, to: number): (text: string) => number | undefined {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to ? value : undefined;
  };
}

export function parsePort(text: string): number | undefined {
  return parseNumber(0, 65535)(text);
}

export function parseFwmark(text: string): number | undefined {
  if (text.toLowerCase() === 'off') return 0;
  if (/^0x0*[0-9a-fA-F]{1,8}$/.test(text)) return Number(text); // wg(8) refuses 0X
  return parseNumber(0, 0xffff_ffff)(text);
}

export function parseKeepalive(text: string): number | undefined {
  return text.toLowerCase() === 'off' ? 0 : parseNumber(0, 65535)(text);
}

function parseDns(text: string): string | undefined {
  return parseAddress(text) !== undefined || /^[a-z0-9_](?:[a-z0-9_.-]*)$/i.test(text) ? text : undefined;
}

function parseTable(text: string): string | undefined {
  return /^[a-z0-9_.-]+$/i.test(text) ? text : undefined;
}

function parseText(text: string): string[] {
  return text === '' ? [] : [text];
}

function parseBoolean(text: string): boolean | undefined {
  if (text.toLowerCase() === 'true') return true;
  return text.toLowerCase() === 'false' ? false : undefined;
}
