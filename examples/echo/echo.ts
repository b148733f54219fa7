/**
 * A WireGuard host without an interface and without root: its packets are handled in JavaScript, which answers pings.
 *
 *   node examples/echo/echo.ts wg0.conf
 *
 * takes keys, port and peers from the file. Every address that a peer routes here answers.
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { configChange, createTunnel, formatKey, MemoryTun, parseConfigOrThrow } from 'peerage';
import { createDgramUdp } from 'peerage/node';
import { createEchoReply } from './echo-reply.ts';

const [file = 'wg0.conf'] = process.argv.slice(2);
const config = parseConfigOrThrow(await readFile(file, 'utf8'), { file });

const tun = new MemoryTun({ name: 'echo' });
const tunnel = createTunnel({ tun, udp: createDgramUdp() });
tunnel.configure(configChange(config));
tun.setLink('up');

// The tunnel has checked who sent the packet; what is in it is the sender's word.
tun.onHostReadable(() => {
  const reply = createEchoReply(tun.receive()!);
  if (reply !== undefined) tun.send(reply);
});

const { publicKey, listenPort } = tunnel.describe();
console.log(`answering pings as ${publicKey && formatKey(publicKey)} on UDP port ${listenPort}`);

process.once('SIGTERM', () => void tunnel.close());
process.once('SIGINT', () => void tunnel.close());
await tunnel.closed;
