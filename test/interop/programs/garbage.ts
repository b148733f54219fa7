/**
 * An attacker without keys: `garbage.ts ADDRESS PORT COUNT` sends datagrams that look like every type of message, with
 * the right and with wrong lengths, and prints how many datagrams came back.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';

/** Of initiation, response, cookie reply, an empty and a full transport message, and things that are none. */
const LENGTHS = [148, 92, 64, 32, 1452, 0, 1, 16, 31, 147, 149, 65_000];

const LINGER_MS = 1_000;

const [address, port, count] = process.argv.slice(2);
const socket = createSocket('udp4');
let answers = 0;
socket.on('message', () => (answers += 1));
socket.on('error', () => (answers += 1)); // an ICMP error would be an answer, too
for (let i = 0; i < Number(count); i++) {
  const datagram = randomBytes(LENGTHS[i % LENGTHS.length]!);
  if (datagram.length >= 4) datagram.writeUInt32LE(randomInt(0, 6), 0);
  await new Promise<void>((sent, failed) => {
    socket.send(datagram, Number(port), address, (error) => (error === null ? sent() : failed(error)));
  });
}
// Long enough for an answer on a busy machine; there is nothing to wait for, since none may come.
await delay(LINGER_MS);
socket.close();
console.log(answers);
