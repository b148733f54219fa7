/** IP packets for tests: enough of a header to be routed, a number to know each one by, and nothing else. */
import { readUint32LE, writeUint16BE, writeUint32LE } from '../../src/bytes.ts';
import { parseAddress } from '../../src/ip.ts';

export interface PacketFields {
  from: string;
  to: string;
  /** Recovered by `packetNumber`. */
  number?: number;
  /** Of the whole packet. */
  bytes?: number;
  ecn?: number;
}

/** A UDP packet, IPv4 or IPv6 by its addresses, with a right IPv4 header checksum. */
export function createPacket({ from, to, number = 0, bytes = 60, ecn = 0 }: PacketFields): Uint8Array {
  const source = parseAddress(from)!;
  const destination = parseAddress(to)!;
  const packet = new Uint8Array(bytes);
  if (source.family === 4) {
    packet.set([0x45, ecn]);
    writeUint16BE(packet, 2, bytes);
    packet.set([64, 17], 8);
    packet.set(source.bytes, 12);
    packet.set(destination.bytes, 16);
    writeUint16BE(packet, 10, ~foldedSum(packet.subarray(0, 20)));
  } else {
    packet.set([0x60, ecn << 4]);
    writeUint16BE(packet, 4, bytes - 40);
    packet.set([17, 64], 6);
    packet.set(source.bytes, 8);
    packet.set(destination.bytes, 24);
  }
  if (bytes >= 4 + headerBytes(packet)) writeUint32LE(packet, bytes - 4, number);
  return packet;
}

export function packetNumber(packet: Uint8Array): number {
  return readUint32LE(packet, packet.length - 4);
}

/** The ones' complement sum of RFC 1071, written for reading: 0xffff over a header whose checksum is right. */
export function foldedSum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function headerBytes(packet: Uint8Array): number {
  return packet[0]! >>> 4 === 4 ? 20 : 40;
}
