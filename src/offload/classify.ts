/**
 * What a packet from the tunnel is to coalescing. The rules are those of the kernel's GRO (net/ipv4/tcp_offload.c,
 * udp_offload.c): whatever is merged must come apart again into the packets that were sent.
 */
import type { Arena } from './arena.ts';
import { TCP, UDP } from './checksum.ts';

/** Not an IP packet, or its length is not what it says. */
export const MALFORMED = 0;
/** Belongs to no flow that could be told: another protocol, a fragment, options or extension headers. */
export const APART = 1;
/** Of a flow, but always a packet of its own: a pure ACK, a SYN, a reset, one with CWR, a UDP packet without checksum. */
export const ALONE = 2;
/** Can begin or continue a run. */
const MERGEABLE = 3;

/** One packet, read once. Lengths in bytes. */
export interface Facts {
  kind: typeof MALFORMED | typeof APART | typeof ALONE | typeof MERGEABLE;
  /** What the IP header says: padding behind it is not counted. */
  length: number;
  protocol: number;
  ipHeaderBytes: number;
  headerBytes: number;
  payloadBytes: number;
  /** TCP: as a signed 32-bit number. */
  sequence: number;
  /** TCP: PSH or FIN, after which nothing is appended. */
  closes: boolean;
}

export function createFacts(): Facts {
  return {
    kind: MALFORMED,
    length: 0,
    protocol: 0,
    ipHeaderBytes: 0,
    headerBytes: 0,
    payloadBytes: 0,
    sequence: 0,
    closes: false,
  };
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
const TCP_HEADER = 20;
/** The reserved bit, "more fragments" and the fragment offset: all but "don't fragment". */
const FRAGMENT = 0xbfff;

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const ACK = 0x10;
const URG = 0x20;
const CWR = 0x80;

/** Fills `facts` with the packet at `packet`, of which `length` bytes are there. */
export function classify(arena: Arena, packet: number, length: number, facts: Facts): void {
  const { bytes, view } = arena;
  facts.kind = MALFORMED;
  if (length < IPV4_HEADER) return;
  const version = bytes[packet]! >>> 4;
  let total = 0;
  let ipHeaderBytes = 0;
  if (version === 4) {
    total = view.getUint16(packet + 2);
    ipHeaderBytes = (bytes[packet]! & 15) * 4;
  } else if (version === 6 && length >= IPV6_HEADER) {
    total = IPV6_HEADER + view.getUint16(packet + 4);
    ipHeaderBytes = IPV6_HEADER;
  }
  if (ipHeaderBytes < IPV4_HEADER || total < ipHeaderBytes || total > length) return;
  facts.length = total;
  facts.ipHeaderBytes = ipHeaderBytes;
  facts.kind = APART;
  if (version === 4 && (ipHeaderBytes !== IPV4_HEADER || view.getUint16(packet + 6) & FRAGMENT)) return;
  facts.protocol = bytes[packet + (version === 4 ? 9 : 6)]!;
  if (facts.protocol === TCP) classifyTcp(arena, packet + ipHeaderBytes, facts);
  else if (facts.protocol === UDP) classifyUdp(arena, packet + ipHeaderBytes, facts);
}

function classifyTcp({ bytes, view }: Arena, transport: number, facts: Facts): void {
  const transportBytes = facts.length - facts.ipHeaderBytes;
  if (transportBytes < TCP_HEADER) return;
  facts.kind = ALONE;
  const tcpHeaderBytes = (bytes[transport + 12]! >>> 4) * 4;
  const flags = bytes[transport + 13]!;
  if (tcpHeaderBytes < TCP_HEADER || tcpHeaderBytes >= transportBytes) return;
  if ((flags & (SYN | RST | ACK | URG | CWR)) !== ACK) return;
  facts.kind = MERGEABLE;
  facts.headerBytes = facts.ipHeaderBytes + tcpHeaderBytes;
  facts.payloadBytes = transportBytes - tcpHeaderBytes;
  facts.sequence = view.getInt32(transport + 4);
  facts.closes = (flags & (PSH | FIN)) !== 0;
}

function classifyUdp({ view }: Arena, transport: number, facts: Facts): void {
  const transportBytes = facts.length - facts.ipHeaderBytes;
  if (transportBytes < UDP_HEADER) return;
  facts.kind = ALONE;
  if (transportBytes === UDP_HEADER || view.getUint16(transport + 4) !== transportBytes) return;
  // Without a checksum nothing says that the packet is whole, and the merged one would claim it.
  if (view.getUint16(transport + 6) === 0) return;
  facts.kind = MERGEABLE;
  facts.headerBytes = facts.ipHeaderBytes + UDP_HEADER;
  facts.payloadBytes = transportBytes - UDP_HEADER;
  facts.sequence = 0;
  facts.closes = false;
}
