/**
 * Sends the initiations that come on standard input, 148 bytes each, to ADDRESS PORT, a few at a time, and prints how many
 * were answered in how many seconds. Runs inside the initiator's namespace.
 */
import { createSocket } from 'node:dgram';
import { buffer } from 'node:stream/consumers';
import process from 'node:process';

const INITIATION_BYTES = 148;
const RESPONSE_BYTES = 92;
const ON_THEIR_WAY = 4;
/** Without an answer for so long there will be none. */
const PATIENCE_MS = 3000;

const [, , address, port] = process.argv;
const messages = await buffer(process.stdin);
const count = messages.length / INITIATION_BYTES;
const socket = createSocket('udp4');
let sent = 0;
let answered = 0;
const start = performance.now();
let last = start;

function send(): void {
  if (sent === count) return;
  const offset = sent++ * INITIATION_BYTES;
  socket.send(messages, offset, INITIATION_BYTES, Number(port), address);
}

function end(): void {
  process.stdout.write(`${JSON.stringify({ answered, seconds: (last - start) / 1000 })}\n`);
  socket.close();
}

let patience = setTimeout(end, PATIENCE_MS);
socket.on('message', (message) => {
  if (message.length !== RESPONSE_BYTES) return;
  answered += 1;
  last = performance.now();
  clearTimeout(patience);
  if (answered === count) return end();
  patience = setTimeout(end, PATIENCE_MS);
  send();
});
for (let i = 0; i < ON_THEIR_WAY; i++) send();
