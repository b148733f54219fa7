/** Echo requests over IPv4, of many lengths. */
import { parseAddress } from '../../../../src/library/peerage.ts';

export const IP_BYTES = 20;
export const ICMP_BYTES = 8;
const LONGEST_DATA = 1300;

export function createEcho(from: string, to: string, sequence: number): Uint8Array {
  const packet = new Uint8Array(IP_BYTES + ICMP_BYTES + ((sequence * 97) % LONGEST_DATA));
  const view = new DataView(packet.buffer);
  packet.fill(sequence, IP_BYTES + ICMP_BYTES);
  packet.set([0x45, 0, packet.length >>> 8, packet.length & 0xff, 0, 0, 0, 0, 64, 1]);
  packet.set(parseAddress(from)!.bytes, 12);
  packet.set(parseAddress(to)!.bytes, 16);
  view.setUint8(IP_BYTES, 8);
  view.setUint16(IP_BYTES + 4, 1); // with nothing but zeros two checksums would be right
  view.setUint16(IP_BYTES + 6, sequence);
  view.setUint16(10, checksum(packet.subarray(0, IP_BYTES)));
  view.setUint16(IP_BYTES + 2, checksum(packet.subarray(IP_BYTES)));
  return packet;
}

/** RFC 1071. */
export function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += i % 2 === 0 ? data[i]! << 8 : data[i]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
