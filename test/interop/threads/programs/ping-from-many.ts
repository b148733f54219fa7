/**
 * Many peers of one tunnel in one process: reads `{ publicKey, endpoint, to, peers: [{ privateKey, address }], answers }` as JSON from
 * standard input, pings `to` from each peer's address, all of them at once and some on their way at a time, until each has so many
 * different answers, and prints how many bytes came back to each.
 */
import { json } from 'node:stream/consumers';
import process from 'node:process';
import { createDgramUdp } from '../../../../runtime/node/dgram-udp.ts';
import {
  createTunnel,
  MemoryTun,
  parseCidr,
  parseEndpoint,
  parsePrivateKey,
  parsePublicKey,
} from '../../../../src/library/peerage.ts';
import { checksum, createEcho, ICMP_BYTES, IP_BYTES } from './echo.ts';

export interface Order {
  readonly publicKey: string;
  readonly endpoint: string;
  readonly to: string;
  readonly peers: readonly { readonly privateKey: string; readonly address: string }[];
  readonly answers: number;
}

const ON_THEIR_WAY = 4;
const AGAIN_AFTER_MS = 2000;

const { publicKey, endpoint, to, peers, answers } = (await json(process.stdin)) as Order; // what many-peers.test.ts writes
const bytes = await Promise.all(peers.map(({ privateKey, address }) => ping(privateKey, address)));
process.stdout.write(`${JSON.stringify(bytes)}\n`);

async function ping(privateKey: string, address: string): Promise<number> {
  const tun = new MemoryTun();
  const tunnel = createTunnel({ tun, udp: createDgramUdp() });
  const allowedIps = [{ cidr: parseCidr(`${to}/32`)! }];
  const peer = { publicKey: parsePublicKey(publicKey)!, endpoint: parseEndpoint(endpoint)!, allowedIps };
  tunnel.configure({ privateKey: parsePrivateKey(privateKey)!, peers: [peer] });
  const { promise, resolve } = Promise.withResolvers<void>();
  const missing = new Set(Array.from({ length: answers }, (_, sequence) => sequence));
  let received = 0;
  let next = 0;
  const ask = (sequence: number): void => tun.send(createEcho(address, to, sequence));
  tun.onHostReadable(() => {
    for (let packet = tun.receive(); packet !== undefined; packet = tun.receive()) {
      const sequence = answered(packet, address);
      if (sequence === undefined || !missing.delete(sequence)) continue;
      received += packet.length;
      if (missing.size === 0) return resolve();
      if (next < answers) ask(next++);
    }
  });
  tun.setLink('up');
  while (next < Math.min(ON_THEIR_WAY, answers)) ask(next++);
  // A full socket loses some.
  const again = setInterval(() => {
    for (const sequence of missing) if (sequence < next) ask(sequence);
  }, AGAIN_AFTER_MS);
  await promise;
  clearInterval(again);
  await tunnel.close();
  return received;
}

/** The sequence of an echo reply whose every byte is right. */
function answered(packet: Uint8Array, address: string): number | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if (packet.length < IP_BYTES + ICMP_BYTES || packet[9] !== 1 || packet[IP_BYTES] !== 0) return undefined;
  const sequence = view.getUint16(IP_BYTES + 6);
  const expected = createEcho(address, to, sequence);
  const isWhole = checksum(packet.subarray(0, IP_BYTES)) === 0 && checksum(packet.subarray(IP_BYTES)) === 0;
  const isSame = expected.subarray(IP_BYTES + 4).every((byte, i) => packet[IP_BYTES + 4 + i] === byte);
  return isWhole && isSame && packet.length === expected.length ? sequence : undefined;
}
