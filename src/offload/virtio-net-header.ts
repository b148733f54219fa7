/**
 * `struct virtio_net_hdr`, the ten bytes before each packet of a TUN with IFF_VNET_HDR: which checksum is still to be
 * computed, and whether the packet is a large one that stands for several. Virtio 1.3 section 5.1.6, linux/virtio_net.h;
 * little-endian, since TUNSETVNETLE is the default of the machines that run this.
 */
import type { Arena } from './arena.ts';

export const VIRTIO_NET_HEADER_BYTES = 10;

/** `flags`: the checksum at csumOffset covers csumStart to the end and holds the pseudo header's sum so far. */
export const NEEDS_CSUM = 1;

/** `gsoType`. */
export const GSO_NONE = 0;
export const GSO_TCPV4 = 1;
export const GSO_TCPV6 = 4;
export const GSO_UDP_L4 = 5;
/** A bit of `gsoType`: CWR is set, and belongs to the first segment only. */
export const GSO_ECN = 0x80;

export interface VirtioNetHeader {
  flags: number;
  gsoType: number;
  /** Length of the headers; a hint, and on forwarded packets a wrong one. */
  headerBytes: number;
  /** Payload of each segment but the last. */
  segmentBytes: number;
  /** Where the transport header begins, from the start of the packet. */
  csumStart: number;
  /** Where its checksum is, from there. */
  csumOffset: number;
}

export function createVirtioNetHeader(): VirtioNetHeader {
  return { flags: 0, gsoType: GSO_NONE, headerBytes: 0, segmentBytes: 0, csumStart: 0, csumOffset: 0 };
}

export function decodeVirtioNetHeader(
  { view, bytes }: Pick<Arena, 'view' | 'bytes'>,
  offset: number,
  into: VirtioNetHeader,
): void {
  into.flags = bytes[offset]!;
  into.gsoType = bytes[offset + 1]!;
  into.headerBytes = view.getUint16(offset + 2, true);
  into.segmentBytes = view.getUint16(offset + 4, true);
  into.csumStart = view.getUint16(offset + 6, true);
  into.csumOffset = view.getUint16(offset + 8, true);
}

export function encodeVirtioNetHeader({ view, bytes }: Arena, offset: number, header: VirtioNetHeader): void {
  bytes[offset] = header.flags;
  bytes[offset + 1] = header.gsoType;
  view.setUint16(offset + 2, header.headerBytes, true);
  view.setUint16(offset + 4, header.segmentBytes, true);
  view.setUint16(offset + 6, header.csumStart, true);
  view.setUint16(offset + 8, header.csumOffset, true);
}

/** The header of a packet that is complete as it is. */
export function clearVirtioNetHeader({ bytes }: Arena, offset: number): void {
  for (let at = offset; at < offset + VIRTIO_NET_HEADER_BYTES; at++) bytes[at] = 0;
}
