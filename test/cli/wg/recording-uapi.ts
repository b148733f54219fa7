/**
 * A program: a tunnel on /run/wireguard/NAME.sock that answers `get=1` with its standard input and `set=1` with
 * `errno=ERRNO`, and prints every change that it was told.
 */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';

const [, , name = 'wg0', errno = '0'] = process.argv;
const answer = await text(process.stdin);
mkdirSync('/run/wireguard', { recursive: true });
const server = createServer((socket) => {
  let request = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    request += chunk;
    if (!request.endsWith('\n\n')) return;
    const isChange = request.startsWith('set=1');
    if (isChange) process.stdout.write(request);
    request = '';
    socket.end(isChange ? `errno=${errno}\n\n` : answer);
  });
  socket.on('error', () => socket.destroy()); // who only looks whether somebody is there hangs up
});
server.listen(`/run/wireguard/${name}.sock`, () => process.stdout.write('listening\n'));
