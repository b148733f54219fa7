/**
 * The offload kernel in JavaScript: for any arena, and the reference for the WebAssembly one.
 */
import type { Arena } from './arena.ts';
import { fold, sumAddresses, sumBytes, sumPseudoHeader, swap16, TCP, UDP } from './checksum.ts';
import { HOLDS_FIRST, HOLDS_LAST, type OffloadKernel } from './kernel.ts';

const FIN = 0x01;
const PSH = 0x08;
const CWR = 0x80;
const DONT_FRAGMENT = 0x40;
// Header words as a little-endian machine reads them: the halves come in the other order.
const FULL = -1;
const LOW_HALF = 0xffff;
const HIGH_HALF = ~LOW_HALF;

export function createJavascriptKernel(arena: Arena): OffloadKernel {
  const { bytes, u32, view } = arena;

  function sum(offset: number, length: number): number {
    return fold(sumBytes(arena, offset, length));
  }

  function intact(packet: number, length: number, ipHeaderBytes: number, protocol: number): boolean {
    if (bytes[packet]! >>> 4 === 4 && sum(packet, ipHeaderBytes) !== 0xffff) return false;
    const transport = packet + ipHeaderBytes;
    const transportBytes = length - ipHeaderBytes;
    if (protocol === UDP && view.getUint16(transport + 6) === 0) return false;
    const pseudo = sumPseudoHeader(arena, packet, protocol, transportBytes);
    return fold(pseudo + sumBytes(arena, transport, transportBytes)) === 0xffff;
  }

  function countFollowing(
    first: number,
    number: number,
    packet: number,
    stride: number,
    count: number,
    headerBytes: number,
    ipHeaderBytes: number,
    segmentBytes: number,
    protocol: number,
  ): number {
    const length = headerBytes + segmentBytes;
    for (let i = 0; i < count; i++) {
      const at = packet + i * stride;
      const hasHeaders =
        hasSameHeaders(first, at, headerBytes, ipHeaderBytes, protocol) &&
        isNumber(number + i, first, at, ipHeaderBytes, segmentBytes, protocol);
      if (!hasHeaders || !intact(at, length, ipHeaderBytes, protocol)) return i;
    }
    return count;
  }

  /** All words but the identification, the sequence number and the checksums. */
  function hasSameHeaders(a: number, b: number, headerBytes: number, ipHeaderBytes: number, protocol: number): boolean {
    const ipv4 = bytes[a]! >>> 4 === 4;
    for (let at = 0; at < headerBytes; at += 4) {
      const difference = u32[(a + at) >>> 2]! ^ u32[(b + at) >>> 2]!;
      if (difference === 0) continue;
      const from = at - ipHeaderBytes;
      let mask = FULL;
      if (ipv4 && at === 4) mask = HIGH_HALF;
      else if (ipv4 && at === 8) mask = LOW_HALF;
      else if (from === 4) mask = protocol === TCP ? 0 : LOW_HALF;
      else if (from === 16) mask = HIGH_HALF;
      if (difference & mask) return false;
    }
    return true;
  }

  /** Whether the packet at `b` counts on as number `number` of the run from `a` on. */
  function isNumber(
    number: number,
    a: number,
    b: number,
    ipHeaderBytes: number,
    segmentBytes: number,
    protocol: number,
  ): boolean {
    // RFC 6864: the identification says nothing where "don't fragment" stands.
    const mustCount = bytes[a]! >>> 4 === 4 && !(bytes[a + 6]! & DONT_FRAGMENT);
    if (mustCount && view.getUint16(b + 4) !== ((view.getUint16(a + 4) + number) & 0xffff)) return false;
    const sequenceAt = ipHeaderBytes + 4;
    const sequence = (view.getInt32(a + sequenceAt) + number * segmentBytes) | 0;
    return protocol !== TCP || view.getInt32(b + sequenceAt) === sequence;
  }

  function finishSegments(
    packet: number,
    stride: number,
    count: number,
    headerBytes: number,
    ipHeaderBytes: number,
    segmentBytes: number,
    lastBytes: number,
    protocol: number,
    ends: number,
  ): void {
    const version = bytes[packet]! >>> 4;
    const checksumAt = ipHeaderBytes + (protocol === TCP ? 16 : 6);
    const identification = view.getUint16(packet + 4);
    const sequence = view.getUint32(packet + ipHeaderBytes + 4);
    const flags = bytes[packet + ipHeaderBytes + 13]!;
    // What differs between the segments is zero in the first slot's headers while they are copied and summed.
    if (version === 4) {
      view.setUint32(packet + 2, 0);
      view.setUint16(packet + 10, 0);
    }
    view.setUint16(packet + checksumAt, 0);
    const ipSum = version === 4 ? sumBytes(arena, packet, ipHeaderBytes) : 0;
    const pseudoSum = sumAddresses(arena, packet) + swap16(protocol);

    for (let i = count - 1; i >= 0; i--) {
      const segment = packet + i * stride;
      const length = headerBytes + (i === count - 1 ? lastBytes : segmentBytes);
      if (i > 0) for (let at = 0; at < headerBytes; at += 4) u32[(segment + at) >>> 2] = u32[(packet + at) >>> 2]!;
      if (version === 4) {
        const id = (identification + i) & 0xffff;
        view.setUint16(segment + 2, length);
        view.setUint16(segment + 4, id);
        view.setUint16(segment + 10, ~fold(ipSum + swap16(length) + swap16(id)), true);
      } else view.setUint16(segment + 4, length - 40);

      const transport = segment + ipHeaderBytes;
      const transportBytes = length - ipHeaderBytes;
      if (protocol === TCP) {
        view.setUint32(transport + 4, sequence + i * segmentBytes);
        let kept = flags;
        if (i < count - 1 || !(ends & HOLDS_LAST)) kept &= ~(FIN | PSH);
        if (i > 0 || !(ends & HOLDS_FIRST)) kept &= ~CWR;
        bytes[transport + 13] = kept;
      } else view.setUint16(transport + 4, transportBytes);
      const checksum = ~fold(pseudoSum + swap16(transportBytes) + sumBytes(arena, transport, transportBytes)) & 0xffff;
      // RFC 768: a UDP checksum of zero is sent as all ones, since zero says that there is none.
      view.setUint16(segment + checksumAt, checksum === 0 && protocol === UDP ? 0xffff : checksum, true);
    }
  }

  return { name: 'javascript', sum, intact, countFollowing, finishSegments };
}
