/**
 * What a TUN with a virtio header hands out, looked at before it is touched: the plan of a large packet's segments, or why
 * there is none; and the checksum of a packet that only lacks that.
 *
 * The virtio header comes from the kernel, but what it says may come from a virtual machine or an AF_PACKET socket
 * (SKB_GSO_DODGY): nothing of it is believed that the packet's own headers do not say too.
 */
import type { Arena } from './arena.ts';
import { TCP, UDP } from './checksum.ts';
import type { OffloadKernel } from './kernel.ts';
import { GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, type VirtioNetHeader } from './virtio-net-header.ts';

/** What stands in all segments of one large packet. Lengths in bytes. */
export interface GsoPlan {
  /** IP and transport headers together, what is repeated before each payload. */
  headerBytes: number;
  ipHeaderBytes: number;
  protocol: typeof TCP | typeof UDP;
  /** Payload of each segment but the last. */
  segmentBytes: number;
  lastBytes: number;
  count: number;
}

export function createGsoPlan(): GsoPlan {
  return { headerBytes: 0, ipHeaderBytes: 0, protocol: TCP, segmentBytes: 0, lastBytes: 0, count: 0 };
}

/** Why a packet is dropped; the caller counts them. */
export type OffloadRefusal =
  | 'gso type'
  | 'gso size'
  | 'checksum offset'
  | 'ip header'
  | 'ip length'
  | 'ip fragment'
  | 'ip extension header'
  | 'transport header'
  | 'no payload'
  | 'segment too long';

const IPV4_MIN_HEADER = 20;
const IPV6_HEADER = 40;
/** IPv6 extension headers of 8 + 8 n bytes that go into every segment: hop-by-hop options, destination options. */
const COPIED_EXTENSIONS: readonly number[] = [0, 60];

/**
 * Plans the segments of the packet at `packet`, which has `length` bytes, the first `contiguous` of them in one piece.
 * `room`: the longest segment there is place for. Undefined when `plan` is filled; otherwise why the packet is refused.
 */
export function planSegments(
  arena: Arena,
  header: VirtioNetHeader,
  packet: number,
  contiguous: number,
  length: number,
  room: number,
  plan: GsoPlan,
): OffloadRefusal | undefined {
  const { bytes } = arena;
  const type = header.gsoType & ~GSO_ECN;
  if (type !== GSO_TCPV4 && type !== GSO_TCPV6 && type !== GSO_UDP_L4) return 'gso type';
  if (header.segmentBytes === 0) return 'gso size';
  const protocol = type === GSO_UDP_L4 ? UDP : TCP;
  if (!(header.flags & NEEDS_CSUM) || header.csumOffset !== (protocol === TCP ? 16 : 6)) return 'checksum offset';

  if (contiguous > length || contiguous < IPV4_MIN_HEADER) return 'ip header';
  const version = bytes[packet]! >>> 4;
  if (version === 4 ? type === GSO_TCPV6 : version !== 6 || type === GSO_TCPV4) return 'ip header';
  const ipHeaderBytes = header.csumStart;
  const refusal =
    version === 4
      ? checkIpv4(arena, packet, contiguous, length, ipHeaderBytes, protocol)
      : checkIpv6(arena, packet, contiguous, length, ipHeaderBytes, protocol);
  if (refusal !== undefined) return refusal;

  // headerBytes of the virtio header is not looked at: on forwarded packets it is the length of the first buffer.
  let headerBytes = ipHeaderBytes + 8;
  if (protocol === TCP) {
    if (ipHeaderBytes + 20 > contiguous) return 'transport header';
    headerBytes = ipHeaderBytes + (bytes[packet + ipHeaderBytes + 12]! >>> 4) * 4;
    if (headerBytes < ipHeaderBytes + 20) return 'transport header';
  }
  if (headerBytes > contiguous) return 'transport header';
  const payload = length - headerBytes;
  if (payload === 0) return 'no payload';
  const segmentBytes = Math.min(header.segmentBytes, payload);
  if (headerBytes + segmentBytes > room) return 'segment too long';

  plan.headerBytes = headerBytes;
  plan.ipHeaderBytes = ipHeaderBytes;
  plan.protocol = protocol;
  plan.segmentBytes = segmentBytes;
  plan.count = Math.ceil(payload / segmentBytes);
  plan.lastBytes = payload - (plan.count - 1) * segmentBytes;
  return undefined;
}

function checkIpv4(
  { bytes, view }: Arena,
  packet: number,
  contiguous: number,
  length: number,
  ipHeaderBytes: number,
  protocol: number,
): OffloadRefusal | undefined {
  if (ipHeaderBytes < IPV4_MIN_HEADER || (bytes[packet]! & 15) * 4 !== ipHeaderBytes) return 'ip header';
  if (ipHeaderBytes > contiguous || bytes[packet + 9] !== protocol) return 'ip header';
  if (view.getUint16(packet + 2) !== length) return 'ip length';
  return view.getUint16(packet + 6) & 0x3fff ? 'ip fragment' : undefined;
}

function checkIpv6(
  { bytes, view }: Arena,
  packet: number,
  contiguous: number,
  length: number,
  ipHeaderBytes: number,
  protocol: number,
): OffloadRefusal | undefined {
  if (ipHeaderBytes < IPV6_HEADER || ipHeaderBytes > contiguous || ipHeaderBytes % 8 !== 0) return 'ip header';
  if (IPV6_HEADER + view.getUint16(packet + 4) !== length) return 'ip length';
  let next = bytes[packet + 6]!;
  let at = IPV6_HEADER;
  while (at < ipHeaderBytes) {
    // A routing header would change the address that the checksum covers; a fragment has no transport header to repeat.
    if (!COPIED_EXTENSIONS.includes(next)) return next === 44 ? 'ip fragment' : 'ip extension header';
    next = bytes[packet + at]!;
    at += 8 + bytes[packet + at + 1]! * 8;
  }
  return at === ipHeaderBytes && next === protocol ? undefined : 'ip header';
}

/**
 * Completes the checksum of a packet of `length` bytes, all in one piece, that is no large one. Undefined when it is
 * complete now; otherwise why it is refused.
 */
export function completeChecksum(
  { view }: Arena,
  kernel: OffloadKernel,
  header: VirtioNetHeader,
  packet: number,
  length: number,
): OffloadRefusal | undefined {
  if (!(header.flags & NEEDS_CSUM)) return undefined;
  const { csumStart, csumOffset } = header;
  if (csumStart < IPV4_MIN_HEADER || csumStart + csumOffset + 2 > length) return 'checksum offset';
  const checksum = ~kernel.sum(packet + csumStart, length - csumStart) & 0xffff;
  // As skb_checksum_help() does for every protocol: all ones is the same number, and zero says "none" in UDP.
  view.setUint16(packet + csumStart + csumOffset, checksum === 0 ? 0xffff : checksum, true);
  return undefined;
}
