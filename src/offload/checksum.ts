/**
 * The internet checksum, RFC 1071. Sums are of 16-bit words in the machine's (little-endian) order: section 2 (B) says
 * that the result, written in the same order, is the checksum.
 */
import type { Arena } from './arena.ts';

export const TCP = 6;
export const UDP = 17;

/** A 16-bit number in the other byte order: to add a number of the header to a sum of words as they lie. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

/** A sum below 2^53 to 16 bits, with end-around carry. */
export function fold(sum: number): number {
  const high = Math.floor(sum / 0x1_0000_0000);
  const low = (sum - high * 0x1_0000_0000) >>> 0;
  let folded = (low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return (folded & 0xffff) + (folded >>> 16);
}

/** Sum of `length` bytes (up to 65,575) at `offset`, not folded; an odd one at the end is followed by a zero. */
export function sumBytes(arena: Arena, offset: number, length: number): number {
  return (offset & 3) === 0 ? sumAligned(arena, offset, length) : sumUnaligned(arena, offset, length);
}

function sumAligned({ bytes, u16, u32 }: Arena, offset: number, length: number): number {
  // 32-bit words are two 16-bit ones with a carry that folding brings back; a double holds 2^21 of them exactly.
  let sum = 0;
  let word = offset >>> 2;
  const end = (offset + length) >>> 2;
  const unrolled = word + ((end - word) & ~3);
  for (; word < unrolled; word += 4) sum += u32[word]! + u32[word + 1]! + u32[word + 2]! + u32[word + 3]!;
  for (; word < end; word++) sum += u32[word]!;
  let at = end << 2;
  if (length & 2) {
    sum += u16[at >>> 1]!;
    at += 2;
  }
  return length & 1 ? sum + bytes[at]! : sum;
}

function sumUnaligned({ bytes }: Arena, offset: number, length: number): number {
  let sum = 0;
  const even = offset + (length & ~1);
  for (let at = offset; at < even; at += 2) sum += bytes[at]! | (bytes[at + 1]! << 8);
  return length & 1 ? sum + bytes[even]! : sum;
}

/**
 * Sum of the pseudo header of RFC 9293 section 3.1 and RFC 8200 section 8.1, not folded. `packet`: a multiple of 4,
 * where the IP header begins; `transportBytes`: length of the transport header and its data.
 */
export function sumPseudoHeader(arena: Arena, packet: number, protocol: number, transportBytes: number): number {
  return sumAddresses(arena, packet) + swap16(protocol) + swap16(transportBytes);
}

/** The part of that sum which all segments of a packet share. */
export function sumAddresses({ bytes, u32 }: Arena, packet: number): number {
  const word = packet >>> 2;
  if (bytes[packet]! >>> 4 === 4) return u32[word + 3]! + u32[word + 4]!;
  let sum = 0;
  for (let i = 2; i < 10; i++) sum += u32[word + i]!;
  return sum;
}
