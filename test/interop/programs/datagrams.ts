/**
 * UDP in a tunnel: `datagrams.ts echo ADDRESS` sends everything back, `datagrams.ts check ADDRESS` sends datagrams of
 * many lengths there, each until it comes back, and fails when one comes back different.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const PORT = 7000;
/** From nothing to what fills an MTU of 1420 with IPv6 and UDP headers, and one more that needs fragments. */
const LENGTHS = [0, 1, 2, 15, 16, 17, 100, 1000, 1371, 1372, 4000];
const ATTEMPTS = 20;
const PATIENCE_MS = 2000;

const earlier: Buffer[] = [];
const [mode, address] = process.argv.slice(2);
const socket = createSocket(address?.includes(':') === true ? 'udp6' : 'udp4');

if (mode === 'echo') {
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(PORT, address, () => console.log('ready'));
} else {
  for (const length of LENGTHS) await check(randomBytes(length));
  console.log(`${LENGTHS.length} datagrams came back as they were`);
  socket.close();
}

async function check(message: Buffer): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    socket.send(message, PORT, address);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      for (;;) {
        const [answer] = (await once(socket, 'message', { signal })) as [Buffer]; // what a socket emits
        if (answer.equals(message)) {
          earlier.push(message);
          return;
        }
        // What was sent again came back twice.
        if (!earlier.some((one) => one.equals(answer)))
          throw new Error(`${message.length} bytes came back as other ${answer.length} bytes`);
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    }
  }
  throw new Error(`${message.length} bytes did not come back`);
}
