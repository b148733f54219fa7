/** A program: serves what it reads from its standard input as the answer to every request on /run/wireguard/NAME.sock. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';

const name = process.argv[2] ?? 'wg0';
const answer = await text(process.stdin);
mkdirSync('/run/wireguard', { recursive: true });
const server = createServer((socket) => {
  socket.once('data', () => socket.end(answer));
  socket.on('error', () => socket.destroy()); // who only looks whether somebody is there hangs up
});
server.listen(`/run/wireguard/${name}.sock`, () => process.stdout.write('listening\n'));
