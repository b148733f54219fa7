/**
 * Two WireGuard tunnels in one process, without root and without a network: packets go through memory. Runs wherever
 * JavaScript does; in Node: node examples/two-tunnels/two-tunnels.ts
 */
import {
  createTunnel,
  formatKey,
  generateKeyPair,
  MemoryNetwork,
  MemoryTun,
  parseAddress,
  parseCidr,
  parseEndpoint,
} from 'peerage';

// Two hosts with an address each on one network.
const network = new MemoryNetwork();
const alice = { tun: new MemoryTun({ name: 'alice' }), udp: network.createUdp([parseAddress('192.0.2.1')!]) };
const bob = { tun: new MemoryTun({ name: 'bob' }), udp: network.createUdp([parseAddress('192.0.2.2')!]) };
const aliceKeys = generateKeyPair();
const bobKeys = generateKeyPair();

const aliceTunnel = createTunnel(alice);
const bobTunnel = createTunnel(bob);
aliceTunnel.configure({
  privateKey: aliceKeys.privateKey,
  peers: [
    {
      publicKey: bobKeys.publicKey,
      endpoint: parseEndpoint('192.0.2.2:51820')!,
      allowedIps: [{ cidr: parseCidr('10.0.0.2/32')! }],
    },
  ],
});
// Bob learns from the handshake where Alice is.
bobTunnel.configure({
  privateKey: bobKeys.privateKey,
  listenPort: 51820,
  peers: [{ publicKey: aliceKeys.publicKey, allowedIps: [{ cidr: parseCidr('10.0.0.1/32')! }] }],
});
alice.tun.setLink('up');
bob.tun.setLink('up');

// What Alice's side sends into its interface comes out of Bob's, and the other way round.
const arrived = new Promise<Uint8Array>((resolve) => {
  bob.tun.onHostReadable(() => resolve(bob.tun.receive()!));
});
alice.tun.send(ipv4Packet('10.0.0.1', '10.0.0.2', 'hello, Bob'));
const packet = await arrived;
console.log(`bob received "${new TextDecoder().decode(packet.subarray(20))}"`);

const [peer] = bobTunnel.describe().peers;
console.log(
  `from ${formatKey(peer!.publicKey)} at ${peer!.endpoint!.toString()}, ${peer!.rxBytes} bytes under WireGuard`,
);

await Promise.all([aliceTunnel.close(), bobTunnel.close()]);

/** An IPv4 header (RFC 791) and a text; protocol 253 is for experiments (RFC 3692). */
function ipv4Packet(from: string, to: string, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const length = 20 + payload.length;
  const header = [0x45, 0, length >> 8, length & 255, 0, 0, 0, 0, 64, 253, 0, 0];
  return Uint8Array.of(...header, ...parseAddress(from)!.bytes, ...parseAddress(to)!.bytes, ...payload);
}
