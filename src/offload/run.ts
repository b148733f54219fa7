/**
 * A run: packets of one flow that follow each other and differ in nothing that segmentation could not restore. Its headers
 * are those of its first packet, where they lie.
 */
import type { Arena } from './arena.ts';
import { fold, sumBytes, sumPseudoHeader, TCP, UDP } from './checksum.ts';
import type { Facts } from './classify.ts';
import {
  clearVirtioNetHeader,
  createVirtioNetHeader,
  encodeVirtioNetHeader,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
  VIRTIO_NET_HEADER_BYTES,
} from './virtio-net-header.ts';

export interface Run {
  open: boolean;
  /** Where the first packet begins. */
  packet: number;
  protocol: number;
  ipHeaderBytes: number;
  headerBytes: number;
  /** Payload of the first packet, and of all but the last. */
  segmentBytes: number;
  /** Length of the whole, headers once. */
  length: number;
  nextSequence: number;
  count: number;
  /** The first packet's checksums were found right: looked at when there is something to append. */
  verified: boolean;
  /** First and last of its packets in the list of the coalescer. */
  firstItem: number;
  lastItem: number;
}

export function createRun(): Run {
  return {
    open: false,
    packet: 0,
    protocol: 0,
    ipHeaderBytes: 0,
    headerBytes: 0,
    segmentBytes: 0,
    length: 0,
    nextSequence: 0,
    count: 0,
    verified: false,
    firstItem: 0,
    lastItem: 0,
  };
}

/** The longest packet that an IPv4 header can tell of. */
const LONGEST_PACKET = 65_535;
/** UDP_MAX_SEGMENTS of kernels before 6.9; later ones have 128. */
const MOST_DATAGRAMS = 64;

// Header words as a little-endian machine reads them.
const HIGH_HALF = 16;
const DONT_FRAGMENT = 0x40;
const FIN_AND_PSH = 0x0900;
const FIN_PSH_FLAGS = 0x09;

/** True when the packet at `packet` has the run's addresses, protocol and ports. */
export function isSameFlow({ u32, bytes }: Arena, run: Run, packet: number, facts: Facts): boolean {
  const { ipHeaderBytes, protocol } = run;
  if (ipHeaderBytes !== facts.ipHeaderBytes || protocol !== facts.protocol) return false;
  const a = run.packet >>> 2;
  const b = packet >>> 2;
  const transport = ipHeaderBytes >>> 2;
  if (u32[a + transport] !== u32[b + transport]) return false;
  for (let word = bytes[packet]! >>> 4 === 4 ? 3 : 2; word < transport; word++) {
    if (u32[a + word] !== u32[b + word]) return false;
  }
  return true;
}

/** True when a packet of the run's flow can be appended; its checksums are not looked at. */
export function continuesRun(arena: Arena, run: Run, packet: number, facts: Facts): boolean {
  if (facts.headerBytes !== run.headerBytes || facts.payloadBytes > run.segmentBytes) return false;
  if (run.length + facts.payloadBytes > LONGEST_PACKET) return false;
  if (!continuesIp(arena, run, packet)) return false;
  if (run.protocol === UDP) return run.count < MOST_DATAGRAMS;
  return facts.sequence === run.nextSequence && hasSameTcpHeader(arena, run, packet);
}

function continuesIp({ bytes, u32, view }: Arena, run: Run, packet: number): boolean {
  const a = run.packet >>> 2;
  const b = packet >>> 2;
  if (run.ipHeaderBytes === 40) {
    // Traffic class with its ECN bits, flow label; next header and hop limit.
    return u32[a] === u32[b] && u32[a + 1]! >>> HIGH_HALF === u32[b + 1]! >>> HIGH_HALF;
  }
  // Type of service with its ECN bits; "don't fragment"; time to live.
  if (bytes[run.packet + 1] !== bytes[packet + 1]) return false;
  if (u32[a + 1]! >>> HIGH_HALF !== u32[b + 1]! >>> HIGH_HALF) return false;
  if (bytes[run.packet + 8] !== bytes[packet + 8]) return false;
  // Segmentation counts the identification on. It says something in packets that can be fragmented only (RFC 6864).
  if (bytes[packet + 6]! & DONT_FRAGMENT) return true;
  return view.getUint16(packet + 4) === ((view.getUint16(run.packet + 4) + run.count) & 0xffff);
}

function hasSameTcpHeader({ u32 }: Arena, run: Run, packet: number): boolean {
  const a = (run.packet + run.ipHeaderBytes) >>> 2;
  const b = (packet + run.ipHeaderBytes) >>> 2;
  // Acknowledged so far; flags and window; urgent pointer; options, and so timestamps.
  if (u32[a + 2] !== u32[b + 2]) return false;
  if ((u32[a + 3]! ^ u32[b + 3]!) & ~FIN_AND_PSH) return false;
  if (u32[a + 4]! >>> HIGH_HALF !== u32[b + 4]! >>> HIGH_HALF) return false;
  const words = (run.headerBytes - run.ipHeaderBytes) >>> 2;
  for (let word = 5; word < words; word++) if (u32[a + word] !== u32[b + word]) return false;
  return true;
}

export function startRun(run: Run, packet: number, facts: Facts, item: number): void {
  run.open = true;
  run.packet = packet;
  run.protocol = facts.protocol;
  run.ipHeaderBytes = facts.ipHeaderBytes;
  run.headerBytes = facts.headerBytes;
  run.segmentBytes = facts.payloadBytes;
  run.length = facts.length;
  run.nextSequence = (facts.sequence + facts.payloadBytes) | 0;
  run.count = 1;
  run.verified = false;
  run.firstItem = item;
  run.lastItem = item;
}

/** Appends a packet for which `continuesRun` said true. False when nothing can follow it. */
export function extendRun({ bytes }: Arena, run: Run, packet: number, facts: Facts, item: number): boolean {
  run.length += facts.payloadBytes;
  run.nextSequence = (run.nextSequence + facts.payloadBytes) | 0;
  run.count++;
  run.lastItem = item;
  if (facts.closes) {
    // Segmentation leaves both to the last segment, which is this one.
    const flagsAt = run.ipHeaderBytes + 13;
    bytes[run.packet + flagsAt] = bytes[run.packet + flagsAt]! | (bytes[packet + flagsAt]! & FIN_PSH_FLAGS);
  }
  return !facts.closes && facts.payloadBytes === run.segmentBytes;
}

/** Payload of the run's last packet, which alone may be shorter. */
export function lastPayload({ length, headerBytes, segmentBytes, count }: Run): number {
  return length - headerBytes - (count - 1) * segmentBytes;
}

/** How many packets of the run's own size can still be appended. */
export function roomInRun({ length, segmentBytes, protocol, count }: Run): number {
  const room = Math.floor((LONGEST_PACKET - length) / segmentBytes);
  return protocol === UDP ? Math.min(room, MOST_DATAGRAMS - count) : room;
}

/** Appends `count` packets that are like those before them, as the kernel has found; `item` is the last one. */
export function repeatRun(run: Run, count: number, item: number): void {
  run.length += count * run.segmentBytes;
  run.nextSequence = (run.nextSequence + count * run.segmentBytes) | 0;
  run.count += count;
  run.lastItem = item;
}

const scratch = createVirtioNetHeader();

/**
 * Writes the virtio header before the run's first packet, and into its headers what is the whole's: lengths, and the
 * pseudo header's sum for the kernel to complete.
 */
export function finishHeaders(arena: Arena, run: Run): void {
  const { packet, protocol, ipHeaderBytes, length } = run;
  const virtio = packet - VIRTIO_NET_HEADER_BYTES;
  if (run.count === 1) {
    clearVirtioNetHeader(arena, virtio);
    return;
  }
  const { view } = arena;
  const transport = packet + ipHeaderBytes;
  const transportBytes = length - ipHeaderBytes;
  const isTcp = protocol === TCP;
  scratch.flags = NEEDS_CSUM;
  scratch.headerBytes = run.headerBytes;
  scratch.segmentBytes = run.segmentBytes;
  scratch.csumStart = ipHeaderBytes;
  scratch.csumOffset = isTcp ? 16 : 6;
  if (ipHeaderBytes === 40) {
    scratch.gsoType = isTcp ? GSO_TCPV6 : GSO_UDP_L4;
    view.setUint16(packet + 4, transportBytes);
  } else {
    scratch.gsoType = isTcp ? GSO_TCPV4 : GSO_UDP_L4;
    view.setUint16(packet + 2, length);
    view.setUint16(packet + 10, 0);
    view.setUint16(packet + 10, ~fold(sumBytes(arena, packet, ipHeaderBytes)), true);
  }
  encodeVirtioNetHeader(arena, virtio, scratch);
  if (!isTcp) view.setUint16(transport + 4, transportBytes);
  const pseudo = fold(sumPseudoHeader(arena, packet, protocol, transportBytes));
  view.setUint16(transport + scratch.csumOffset, pseudo, true);
}
