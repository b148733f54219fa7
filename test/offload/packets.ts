/**
 * IP packets as arrays of bytes, built and taken apart slowly and readably: what src/offload is compared with.
 */
import { concatBytes, readUint16BE, writeUint16BE } from '../../src/bytes.ts';

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const ECE = 0x40;
export const CWR = 0x80;

export interface PacketFields {
  family: 4 | 6;
  protocol: 'tcp' | 'udp';
  /** Last byte of both addresses. */
  source: number;
  destination: number;
  sourcePort: number;
  destinationPort: number;
  payload: Uint8Array;
  ttl: number;
  /** Type of service or traffic class. */
  tos: number;
  flowLabel: number;
  identification: number;
  dontFragment: boolean;
  sequence: number;
  acknowledgment: number;
  flags: number;
  window: number;
  urgent: number;
  /** TCP options: a multiple of 4 bytes, up to 40. */
  options: Uint8Array;
  /** IPv4 options: a multiple of 4 bytes, up to 40. */
  ipOptions: Uint8Array;
}

const FIELDS: PacketFields = {
  family: 4,
  protocol: 'tcp',
  source: 1,
  destination: 2,
  sourcePort: 40_000,
  destinationPort: 5201,
  payload: new Uint8Array(1000).fill(7),
  ttl: 64,
  tos: 0,
  flowLabel: 0,
  identification: 1,
  dontFragment: true,
  sequence: 1000,
  acknowledgment: 2000,
  flags: ACK,
  window: 500,
  urgent: 0,
  options: new Uint8Array(0),
  ipOptions: new Uint8Array(0),
};

/** The whole packet, with its checksums. */
export function buildPacket(fields: Partial<PacketFields> = {}): Uint8Array {
  const packet = { ...FIELDS, ...fields };
  const transport = packet.protocol === 'tcp' ? tcpHeader(packet) : udpHeader(packet);
  const body = concatBytes(transport, packet.payload);
  return setChecksums(concatBytes(packet.family === 4 ? ipv4Header(packet, body) : ipv6Header(packet, body), body));
}

function ipv4Header(packet: PacketFields, body: Uint8Array): Uint8Array {
  const headerBytes = 20 + packet.ipOptions.length;
  const fixed = [
    [0x40 | (headerBytes / 4), packet.tos],
    word(headerBytes + body.length),
    word(packet.identification),
    [packet.dontFragment ? 0x40 : 0, 0],
    [packet.ttl, packet.protocol === 'tcp' ? 6 : 17, 0, 0],
    [10, 9, 0, packet.source],
    [10, 9, 0, packet.destination],
  ];
  return concatBytes(Uint8Array.from(fixed.flat()), packet.ipOptions);
}

function ipv6Header(packet: PacketFields, body: Uint8Array): Uint8Array {
  const first = (6 * 2 ** 28 + packet.tos * 2 ** 20 + packet.flowLabel) >>> 0;
  const address = (last: number) => [0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
  const fixed = [
    word(first >>> 16),
    word(first),
    word(body.length),
    [packet.protocol === 'tcp' ? 6 : 17, packet.ttl],
    address(packet.source),
    address(packet.destination),
  ];
  return Uint8Array.from(fixed.flat());
}

function tcpHeader(packet: PacketFields): Uint8Array {
  const fixed = [
    word(packet.sourcePort),
    word(packet.destinationPort),
    word(packet.sequence >>> 16),
    word(packet.sequence),
    word(packet.acknowledgment >>> 16),
    word(packet.acknowledgment),
    [((20 + packet.options.length) / 4) << 4, packet.flags],
    word(packet.window),
    [0, 0],
    word(packet.urgent),
  ];
  return concatBytes(Uint8Array.from(fixed.flat()), packet.options);
}

function udpHeader({ sourcePort, destinationPort, payload }: PacketFields): Uint8Array {
  return Uint8Array.from([word(sourcePort), word(destinationPort), word(8 + payload.length), [0, 0]].flat());
}

const word = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];

export function ipHeaderBytes(packet: Uint8Array): number {
  return packet[0]! >>> 4 === 4 ? (packet[0]! & 15) * 4 : 40;
}

export function isTcp(packet: Uint8Array): boolean {
  return packet[packet[0]! >>> 4 === 4 ? 9 : 6] === 6;
}

export function headerBytes(packet: Uint8Array): number {
  const transport = ipHeaderBytes(packet);
  return transport + (isTcp(packet) ? (packet[transport + 12]! >>> 4) * 4 : 8);
}

function checksumOffset(packet: Uint8Array): number {
  return ipHeaderBytes(packet) + (isTcp(packet) ? 16 : 6);
}

/** RFC 1071, word by word. */
export function onesComplementSum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      sum += i % 2 === 0 ? part[i]! * 256 : part[i]!;
      if (sum > 0xffff) sum -= 0xffff;
    }
  }
  return sum;
}

function pseudoHeader(packet: Uint8Array): Uint8Array {
  const addresses = packet[0]! >>> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const transportBytes = packet.length - ipHeaderBytes(packet);
  return concatBytes(addresses, Uint8Array.of(0, isTcp(packet) ? 6 : 17), Uint8Array.from(word(transportBytes)));
}

function transportSum(packet: Uint8Array): number {
  return onesComplementSum(pseudoHeader(packet), packet.subarray(ipHeaderBytes(packet)));
}

/** Writes the right checksums into the packet. */
export function setChecksums(packet: Uint8Array): Uint8Array {
  if (packet[0]! >>> 4 === 4) {
    writeUint16BE(packet, 10, 0);
    writeUint16BE(packet, 10, ~onesComplementSum(packet.subarray(0, ipHeaderBytes(packet))));
  }
  const at = checksumOffset(packet);
  writeUint16BE(packet, at, 0);
  const checksum = ~transportSum(packet) & 0xffff;
  writeUint16BE(packet, at, checksum === 0 && !isTcp(packet) ? 0xffff : checksum);
  return packet;
}

/** What a receiver looks at before it takes a packet: lengths and checksums. */
export function isAcceptable(packet: Uint8Array): boolean {
  const total = packet[0]! >>> 4 === 4 ? readUint16BE(packet, 2) : 40 + readUint16BE(packet, 4);
  if (total !== packet.length) return false;
  if (packet[0]! >>> 4 === 4 && onesComplementSum(packet.subarray(0, ipHeaderBytes(packet))) !== 0xffff) return false;
  const transport = ipHeaderBytes(packet);
  if (!isTcp(packet) && readUint16BE(packet, transport + 4) !== packet.length - transport) return false;
  return transportSum(packet) === 0xffff;
}

/** What the kernel leaves in the checksum field of a packet whose checksum is to be completed. */
export function makePartial(packet: Uint8Array): Uint8Array {
  writeUint16BE(packet, checksumOffset(packet), onesComplementSum(pseudoHeader(packet)));
  return packet;
}

export function hasPartialChecksum(packet: Uint8Array): boolean {
  const partial = onesComplementSum(pseudoHeader(packet)) % 0xffff;
  return readUint16BE(packet, checksumOffset(packet)) % 0xffff === partial;
}

/** Segmentation as the kernel does it (tcp_gso_segment, __udp_gso_segment, inet_gso_segment). */
export function segment(large: Uint8Array, segmentBytes: number): Uint8Array[] {
  const headers = headerBytes(large);
  const transport = ipHeaderBytes(large);
  const segments: Uint8Array[] = [];
  for (let from = headers; from < large.length; from += segmentBytes) {
    const packet = concatBytes(large.subarray(0, headers), large.subarray(from, from + segmentBytes));
    const isFirst = from === headers;
    const isLast = from + segmentBytes >= large.length;
    if (packet[0]! >>> 4 === 4) {
      writeUint16BE(packet, 2, packet.length);
      writeUint16BE(packet, 4, readUint16BE(large, 4) + segments.length);
    } else writeUint16BE(packet, 4, packet.length - 40);
    if (isTcp(packet)) {
      const view = new DataView(packet.buffer);
      view.setUint32(transport + 4, view.getUint32(transport + 4) + from - headers);
      if (!isLast) packet[transport + 13]! &= ~(FIN | PSH);
      if (!isFirst) packet[transport + 13]! &= ~CWR;
    } else writeUint16BE(packet, transport + 4, packet.length - transport);
    segments.push(setChecksums(packet));
  }
  return segments;
}
