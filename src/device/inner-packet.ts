/**
 * The IP packets inside the tunnel, as far as routing needs them: version, length and addresses of the headers of
 * RFC 791 and RFC 8200, read where they lie.
 */
import { readUint16BE } from '../bytes.ts';
import type { IpFamily } from '../ip.ts';

export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;

const SOURCE = { 4: 12, 6: 8 } as const;
const DESTINATION = { 4: 16, 6: 24 } as const;

/** 4 or 6 when the bytes can be such a packet's: a whole header is there. 0 for anything else. */
export function packetFamily(buffer: Uint8Array, offset: number, length: number): IpFamily | 0 {
  if (length < IPV4_HEADER_BYTES) return 0;
  const version = buffer[offset]! >>> 4;
  if (version === 4) return 4;
  return version === 6 && length >= IPV6_HEADER_BYTES ? 6 : 0;
}

/**
 * The packet's own length, which cuts off the padding behind it. 0 when it is less than its header or more than the
 * `length` bytes that are there.
 */
export function packetLength(family: IpFamily, buffer: Uint8Array, offset: number, length: number): number {
  const total = family === 4 ? readUint16BE(buffer, offset + 2) : IPV6_HEADER_BYTES + readUint16BE(buffer, offset + 4);
  return total < IPV4_HEADER_BYTES || total > length ? 0 : total;
}

/** Where the source address is, for a packet at `offset`. */
export function sourceOffset(family: IpFamily, offset: number): number {
  return offset + SOURCE[family];
}

export function destinationOffset(family: IpFamily, offset: number): number {
  return offset + DESTINATION[family];
}
