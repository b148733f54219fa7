/**
 * "Destination unreachable" for packets that no peer can get, as the kernel module answers them: ICMP host unreachable
 * (RFC 792) or ICMPv6 address unreachable (RFC 4443, section 3.1), so that programs fail at once instead of hanging.
 *
 * The Device does not know the addresses of its interface, so the answer's source is the address that was not reached:
 * it routes back to the tunnel, hence no reverse path filter objects.
 */
import { readUint16BE, writeUint16BE } from '../bytes.ts';
import type { IpFamily } from '../ip.ts';
import { destinationOffset, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, sourceOffset } from './inner-packet.ts';

/** Answers a second and at once, over all destinations. */
export const UNREACHABLE_LIMITS = { perSecond: 100, burst: 50 };

const ICMP_HEADER_BYTES = 8;
const HOP_LIMIT = 64;
/** RFC 1812, section 4.3.2.3, and RFC 4443, section 2.4 (c): no answer is longer. */
const LONGEST = { 4: 576, 6: 1280 } as const;

const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;
/** Echo, router and timestamp messages are questions; every other ICMP type is an error or may be one. */
const ICMP_QUERIES = new Set([0, 8, 9, 10, 13, 14, 15, 16, 17, 18]);
const ICMPV6_REDIRECT = 137;

/** IPv6 extension headers that may stand before the upper layer. */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;

/** False where RFC 1812 section 4.3.2.7 and RFC 4443 section 2.4 (e) forbid an answer. A whole header is there. */
export function mayAnswerUnreachable(family: IpFamily, packet: Uint8Array): boolean {
  return family === 4 ? mayAnswer4(packet) : mayAnswer6(packet);
}

/** A packet that tells the sender of this one that its destination cannot be reached. */
export function createUnreachable(family: IpFamily, packet: Uint8Array): Uint8Array {
  return family === 4 ? answer4(packet) : answer6(packet);
}

function mayAnswer4(packet: Uint8Array): boolean {
  const isFirstFragment = (readUint16BE(packet, 6) & 0x1fff) === 0;
  if (!isFirstFragment || !isUnicast4(packet[16]!) || !isUnicast4(packet[12]!)) return false;
  if (packet[9] !== PROTOCOL_ICMP) return true;
  const headerBytes = 4 * (packet[0]! & 15);
  const type = packet[headerBytes];
  return headerBytes >= IPV4_HEADER_BYTES && type !== undefined && ICMP_QUERIES.has(type);
}

/** By its first byte: neither "this network", loopback, multicast nor reserved and broadcast. */
function isUnicast4(firstByte: number): boolean {
  return firstByte !== 0 && firstByte !== 127 && firstByte < 224;
}

function mayAnswer6(packet: Uint8Array): boolean {
  const isMulticast = packet[8] === 0xff || packet[24] === 0xff;
  if (isMulticast || isZeroRange(packet, 8, 24)) return false;
  let next = packet[6]!;
  let at = IPV6_HEADER_BYTES;
  while (next === HOP_BY_HOP || next === ROUTING || next === FRAGMENT || next === DESTINATION_OPTIONS) {
    if (at + 8 > packet.length) return false;
    if (next === FRAGMENT && (readUint16BE(packet, at + 2) & 0xfff8) !== 0) return false;
    const headerBytes = next === FRAGMENT ? 8 : 8 * (packet[at + 1]! + 1);
    next = packet[at]!;
    at += headerBytes;
  }
  if (next !== PROTOCOL_ICMPV6) return true;
  const type = packet[at];
  return type !== undefined && type >= 128 && type !== ICMPV6_REDIRECT;
}

function answer4(original: Uint8Array): Uint8Array {
  const quoted = Math.min(original.length, LONGEST[4] - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES);
  const answer = new Uint8Array(IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted);
  answer[0] = 0x45; // version 4, five words of header
  answer[1] = 0xc0; // precedence "internetwork control": RFC 1812, section 4.3.2.5
  writeUint16BE(answer, 2, answer.length);
  answer[8] = HOP_LIMIT;
  answer[9] = PROTOCOL_ICMP;
  swapAddresses(4, original, answer);
  writeUint16BE(answer, 10, checksum(answer.subarray(0, IPV4_HEADER_BYTES), 0));

  const icmp = answer.subarray(IPV4_HEADER_BYTES);
  icmp[0] = 3; // destination unreachable
  icmp[1] = 1; // host
  icmp.set(original.subarray(0, quoted), ICMP_HEADER_BYTES);
  writeUint16BE(icmp, 2, checksum(icmp, 0));
  return answer;
}

function answer6(original: Uint8Array): Uint8Array {
  const quoted = Math.min(original.length, LONGEST[6] - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES);
  const answer = new Uint8Array(IPV6_HEADER_BYTES + ICMP_HEADER_BYTES + quoted);
  answer[0] = 0x60; // version 6
  writeUint16BE(answer, 4, ICMP_HEADER_BYTES + quoted);
  answer[6] = PROTOCOL_ICMPV6;
  answer[7] = HOP_LIMIT;
  swapAddresses(6, original, answer);

  const icmp = answer.subarray(IPV6_HEADER_BYTES);
  icmp[0] = 1; // destination unreachable
  icmp[1] = 3; // address
  icmp.set(original.subarray(0, quoted), ICMP_HEADER_BYTES);
  // RFC 8200, section 8.1: addresses, length and next header are summed as well.
  const pseudoHeader = sum16(answer.subarray(8, IPV6_HEADER_BYTES)) + icmp.length + PROTOCOL_ICMPV6;
  writeUint16BE(icmp, 2, checksum(icmp, pseudoHeader));
  return answer;
}

function swapAddresses(family: IpFamily, from: Uint8Array, to: Uint8Array): void {
  const source = sourceOffset(family, 0);
  const destination = destinationOffset(family, 0);
  const bytes = destination - source;
  to.set(from.subarray(destination, destination + bytes), source);
  to.set(from.subarray(source, source + bytes), destination);
}

/** RFC 1071, over `bytes` and what `initial` already sums up. */
function checksum(bytes: Uint8Array, initial: number): number {
  let sum = initial + sum16(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function sum16(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return sum;
}

function isZeroRange(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
