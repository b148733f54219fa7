/** Echo replies of ICMP (RFC 792) and ICMPv6 (RFC 4443, section 4.2). */

/** Offset of the addresses, bytes of each, and of the header; the types of echo request and reply. */
const V4 = { addresses: 12, addressBytes: 4, header: 20, protocolAt: 9, protocol: 1, request: 8, reply: 0 };
const V6 = { addresses: 8, addressBytes: 16, header: 40, protocolAt: 6, protocol: 58, request: 128, reply: 129 };

/** The answer to an IP packet that is an echo request; undefined for any other bytes. */
export function createEchoReply(packet: Uint8Array): Uint8Array | undefined {
  const { addresses, addressBytes, header, protocolAt, protocol, request, reply } = packet[0] === 0x45 ? V4 : V6;
  if (packet[0] !== 0x45 && packet[0]! >>> 4 !== 6) return undefined; // with IPv4 options, too
  if (packet.length < header + 8 || packet[protocolAt] !== protocol || packet[header] !== request) return undefined;
  const answer = packet.slice();
  const destination = addresses + addressBytes;
  answer.copyWithin(addresses, destination, destination + addressBytes);
  answer.set(packet.subarray(addresses, destination), destination);
  answer[header] = reply;
  // Swapping addresses changes no sum; the type does (RFC 1624).
  const view = new DataView(answer.buffer);
  const sum = (~view.getUint16(header + 2) & 0xffff) + (0xffff - (request << 8)) + (reply << 8);
  view.setUint16(header + 2, ~((sum & 0xffff) + (sum >>> 16)));
  return answer;
}
