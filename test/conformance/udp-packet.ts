/** UDP datagrams over IPv4 that a kernel accepts. */
import { writeUint16BE } from '../../src/bytes.ts';
import { createPacket } from '../simulation/packets.ts';

const IPV4_HEADER = 20;
export const UDP_HEADERS = IPV4_HEADER + 8;

export interface UdpFields {
  from: string;
  to: string;
  /** On both sides. */
  port: number;
  payload: Uint8Array;
}

/** With a checksum of 0, which stands for none (RFC 768). */
export function udpPacket({ from, to, port, payload }: UdpFields): Uint8Array {
  const packet = createPacket({ from, to, bytes: UDP_HEADERS + payload.length });
  writeUint16BE(packet, IPV4_HEADER, port);
  writeUint16BE(packet, IPV4_HEADER + 2, port);
  writeUint16BE(packet, IPV4_HEADER + 4, 8 + payload.length);
  packet.set(payload, UDP_HEADERS);
  return packet;
}
