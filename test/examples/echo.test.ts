/** The echo responder, pinged through a tunnel of our own over the machine's loopback. Needs no root. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  createTunnel,
  formatKey,
  generateKeyPair,
  MemoryTun,
  parseAddress,
  parseCidr,
  parseEndpoint,
  parsePublicKey,
} from 'peerage';
import { createDgramUdp } from 'peerage/node';
import { createEchoReply } from '../../examples/echo/echo-reply.ts';
import { writeUint16BE } from '../../src/bytes.ts';
import { foldedSum } from '../simulation/packets.ts';
import { startExample } from './example.ts';

const PINGS = [
  ['10.0.0.1', '10.0.0.2'],
  ['fd00::1', 'fd00::2'],
] as const;

describe('the echo responder', () => {
  it('answers pings over IPv4 and IPv6 that come through a tunnel', async () => {
    const own = generateKeyPair();
    const theirs = generateKeyPair();
    const folder = await mkdtemp(join(tmpdir(), 'peerage-echo-'));
    const file = join(folder, 'echo.conf');
    await writeFile(
      file,
      `[Interface]\nPrivateKey = ${formatKey(theirs.privateKey)}\n\n` +
        `[Peer]\nPublicKey = ${formatKey(own.publicKey)}\nAllowedIPs = 10.0.0.1/32, fd00::1/128\n`,
      { mode: 0o600 },
    );
    const pattern = /answering pings as (\S+) on UDP port (\d+)/;
    const echo = await startExample('examples/echo/echo.ts', pattern, { args: [file] });
    const [, publicKey = '', port = ''] = pattern.exec(echo.output)!;
    const tun = new MemoryTun();
    const tunnel = createTunnel({ tun, udp: createDgramUdp() });
    try {
      tunnel.configure({
        privateKey: own.privateKey,
        peers: [
          {
            publicKey: parsePublicKey(publicKey)!,
            endpoint: parseEndpoint(`127.0.0.1:${port}`)!,
            allowedIps: ['10.0.0.2/32', 'fd00::2/128'].map((text) => ({ cidr: parseCidr(text)! })),
          },
        ],
      });
      tun.setLink('up');
      for (const [from, to] of PINGS) {
        const answer = new Promise<Uint8Array>((resolve) => tun.onHostReadable(() => resolve(tun.receive()!)));
        const request = echoRequest(from, to);
        tun.send(request);
        assert.deepEqual(await answer, createEchoReply(request));
      }
    } finally {
      await tunnel.close();
      await echo.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('answers with a right checksum, to who asked, with what was sent', () => {
    for (const [from, to] of PINGS) {
      const request = echoRequest(from, to);
      const reply = createEchoReply(request)!;
      const { addresses, length, header } = layout(reply);
      assert.equal(checksum(reply), 0xffff);
      assert.deepEqual(reply.slice(addresses, addresses + length), parseAddress(to)!.bytes);
      assert.deepEqual(reply.slice(addresses + length, addresses + 2 * length), parseAddress(from)!.bytes);
      assert.deepEqual(reply.slice(header + 4), request.slice(header + 4));
      assert.deepEqual(reply.slice(header, header + 2), Uint8Array.from(length === 4 ? [0, 0] : [129, 0]));
    }
  });

  it('leaves everything else alone, however short', () => {
    for (const [from, to] of PINGS) {
      const request = echoRequest(from, to);
      const { header } = layout(request);
      for (let length = 0; length < header + 8; length++)
        assert.equal(createEchoReply(request.slice(0, length)), undefined);
      assert.equal(createEchoReply(createEchoReply(request)!), undefined, 'a reply is not answered');
    }
  });
});

function layout(packet: Uint8Array) {
  return packet[0]! >>> 4 === 4 ? { addresses: 12, length: 4, header: 20 } : { addresses: 8, length: 16, header: 40 };
}

/** Eight bytes of header, and eight of data that differ. */
function echoRequest(from: string, to: string): Uint8Array {
  const [source, destination] = [parseAddress(from)!, parseAddress(to)!];
  const isV4 = source.family === 4;
  const body = [isV4 ? 8 : 128, 0, 0, 0, 0x12, 0x34, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
  const header = isV4 ? [0x45, 0, 0, 36, 0, 0, 0, 0, 64, 1, 0, 0] : [0x60, 0, 0, 0, 0, 16, 58, 64];
  const packet = Uint8Array.of(...header, ...source.bytes, ...destination.bytes, ...body);
  if (isV4) writeUint16BE(packet, 10, ~foldedSum(packet.subarray(0, 20)));
  writeUint16BE(packet, layout(packet).header + 2, ~checksum(packet));
  return packet;
}

/** The ones' complement sum of the ICMP part, with the pseudo header of IPv6 (RFC 8200, section 8.1). */
function checksum(packet: Uint8Array): number {
  const { addresses, length, header } = layout(packet);
  const icmp = packet.subarray(header);
  if (length === 4) return foldedSum(icmp);
  return foldedSum(
    Uint8Array.of(...packet.subarray(addresses, addresses + 32), 0, 0, 0, icmp.length, 0, 0, 0, 58, ...icmp),
  );
}
