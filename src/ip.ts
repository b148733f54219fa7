/**
 * IP addresses and prefixes, v4 and v6. Parsing and formatting are ipaddr.js's; this module narrows it to what
 * wg(8) accepts and to the byte form that the packet code uses.
 */
import ipaddr from 'ipaddr.js';
import { equalBytes } from './bytes.ts';

declare const cidrBrand: unique symbol;

export type IpFamily = 4 | 6;

/** `::192.0.2.1`, which ipaddr.js takes for `::ffff:192.0.2.1`. RFC 4291 section 2.2. */
const DOTTED_TAIL = new RegExp(
  `:${Array.from({ length: 4 }, () => '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)').join('\\.')}$`,
);

/** 4 or 16 bytes in network order. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly bytes: Uint8Array;
}

/** An address with a prefix length: `10.0.0.1/24` keeps its host bits, `maskCidr` clears them. */
export interface Cidr extends IpAddress {
  readonly prefixLength: number;
  readonly [cidrBrand]: true;
}

/** Bits in an address of this family. */
export function addressBits(family: IpFamily): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Dotted quad or RFC 4291 text; no zone, no octal, no short forms. */
export function parseAddress(text: string): IpAddress | undefined {
  // The question whether it is IPv4 would be answered by an exception, which is slow where there are 100,000 to be read.
  if (!text.includes(':'))
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? fromParser(ipaddr.IPv4.parse(text)) : undefined;
  const hexadecimal = text.replace(DOTTED_TAIL, (_, a, b, c, d) => `:${hexPair(a, b)}:${hexPair(c, d)}`);
  if (!/^[\da-f:]+$/i.test(hexadecimal) || !ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  return fromParser(ipaddr.IPv6.parse(hexadecimal));
}

/** `address` or `address/length`; without a length the whole address is the prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return cidr(address, addressBits(address.family));
  const digits = text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  return length <= addressBits(address.family) ? cidr(address, length) : undefined;
}

/** A literal of this program. Throws TypeError when it is no prefix. */
export function knownCidr(text: string): Cidr {
  const prefix = parseCidr(text);
  if (prefix === undefined) throw new TypeError(`not a prefix: ${text}`);
  return prefix;
}

/** An address and a prefix length that the caller knows to fit. Throws RangeError when they do not. */
export function cidr(address: IpAddress, prefixLength: number): Cidr {
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > addressBits(address.family))
    throw new RangeError(`"prefixLength" expected 0 to ${addressBits(address.family)}, got ${prefixLength}`);
  return { family: address.family, bytes: address.bytes, prefixLength } as Cidr; // checked above
}

/** 4 or 16 bytes in network order. Throws RangeError for another length. */
export function addressFromBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new RangeError(`"bytes" expected 4 or 16 bytes, got ${bytes.length}`);
  return { family: bytes.length === 4 ? 4 : 6, bytes };
}

/** RFC 5952 for IPv6, with an IPv4 address inside written as one (section 5), where inet_ntop(3) does so, too. */
export function formatAddress({ family, bytes }: IpAddress): string {
  if (family === 4) return bytes.join('.');
  if (bytes.subarray(0, 10).some((byte) => byte !== 0)) return ipaddr.fromByteArray([...bytes]).toString();
  const [mapped, compatible] = [bytes[10] === 0xff && bytes[11] === 0xff, bytes[10] === 0 && bytes[11] === 0];
  if (mapped || (compatible && (bytes[12] !== 0 || bytes[13] !== 0)))
    return `${mapped ? '::ffff:' : '::'}${bytes.subarray(12).join('.')}`;
  return ipaddr.fromByteArray([...bytes]).toString();
}

export function formatCidr(prefix: Cidr): string {
  return `${formatAddress(prefix)}/${prefix.prefixLength}`;
}

/** The same prefix with its host bits cleared. */
export function maskCidr(prefix: Cidr): Cidr {
  const bytes = prefix.bytes.map((byte, i) => {
    const keep = Math.min(8, Math.max(0, prefix.prefixLength - 8 * i));
    return byte & (0xff00 >> keep);
  });
  return cidr({ family: prefix.family, bytes }, prefix.prefixLength);
}

export function equalAddresses(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

/** Whether `inner` (an address or a prefix) lies wholly inside `outer`. */
export function containsAddress(outer: Cidr, inner: IpAddress | Cidr): boolean {
  if (outer.family !== inner.family) return false;
  if ('prefixLength' in inner && inner.prefixLength < outer.prefixLength) return false;
  const a = maskCidr(outer).bytes;
  const b = maskCidr(cidr(inner, outer.prefixLength)).bytes;
  return a.every((byte, i) => byte === b[i]);
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return containsAddress(a, b) || containsAddress(b, a);
}

/**
 * Whether an address is the first or the last of its range, which no host may have: the network itself or IPv6's
 * subnet-router anycast, and broadcast or anycast (RFC 4291 section 2.6.1, RFC 2526). Ranges of one or two addresses
 * have none such (RFC 3021, RFC 6164).
 */
export function isReservedAddress(range: Cidr, address: IpAddress): boolean {
  if (addressBits(range.family) - range.prefixLength < 2 || range.family !== address.family) return false;
  const { bytes: first } = maskCidr(range);
  const last = first.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, range.prefixLength - 8 * i))));
  return equalBytes(address.bytes, first) || equalBytes(address.bytes, last);
}

/** The IPv4 address inside of `::ffff:192.0.2.1` (RFC 4291 section 2.5.5.2), which is the same host; others as they are. */
export function unmapAddress(address: IpAddress): IpAddress {
  return containsAddress(MAPPED, address) ? addressFromBytes(address.bytes.subarray(12)) : address;
}

/** Whether an address or a whole prefix means something in a local network only, so that others elsewhere can have it, too. */
export function isPrivate(address: IpAddress | Cidr): boolean {
  return PRIVATE_RANGES.some((range) => containsAddress(range, address));
}

/** Whether packets to the address can reach another host: it is no loopback, group, broadcast, reserved or missing address. */
export function isReachable(address: IpAddress): boolean {
  return !UNREACHABLE_RANGES.some((range) => containsAddress(range, unmapAddress(address)));
}

const MAPPED = knownCidr('::ffff:0:0/96');

const PRIVATE_RANGES: readonly Cidr[] = [
  '10.0.0.0/8', // RFC 1918, as the next two
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10', // RFC 6598: behind a carrier's NAT
  '169.254.0.0/16', // RFC 3927: link-local
  '127.0.0.0/8',
  'fc00::/7', // RFC 4193
  'fe80::/10',
  '::1/128',
].map(knownCidr);

const UNREACHABLE_RANGES: readonly Cidr[] = [
  '0.0.0.0/8', // RFC 1122 section 3.2.1.3
  '127.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4', // reserved, with the broadcast address
  '::/127', // unspecified, and loopback
  'ff00::/8',
].map(knownCidr);

function hexPair(high: string, low: string): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}

function fromParser(parsed: ipaddr.IPv4 | ipaddr.IPv6): IpAddress {
  return { family: parsed.kind() === 'ipv4' ? 4 : 6, bytes: Uint8Array.from(parsed.toByteArray()) };
}
