/** WebSockets of the Http port, on each runtime, against a server that speaks as little of RFC 6455 as it takes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { http } from '../../../runtime/linux/http.ts';

/** RFC 6455 section 1.3. */
const ACCEPT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

test('a socket carries the credential in a header, and what comes over it in its order, up to its end', async (t) => {
  let authorization: string | undefined;
  const url = await serve(t, (socket, headers) => {
    authorization = headers['authorization'];
    accept(socket, headers['sec-websocket-key'] ?? '');
    for (const text of ['one', 'two']) socket.write(frame(0x81, Buffer.from(text)));
    socket.end(frame(0x88, Buffer.from([4401 >> 8, 4401 & 255])));
  });
  const socket = await http.listen({ url: `${url}/v1/socket`, headers: { authorization: 'Bearer pgh_test' } });
  assert.equal(authorization, 'Bearer pgh_test');
  assert.deepEqual(await socket.next(), { type: 'frame', text: 'one' });
  assert.deepEqual(await socket.next(), { type: 'frame', text: 'two' });
  assert.deepEqual(await socket.next(), { type: 'end', code: 4401 });
});

test('what is sent arrives', async (t) => {
  const arrived = Promise.withResolvers<string>();
  const url = await serve(t, (socket, headers) => {
    accept(socket, headers['sec-websocket-key'] ?? '');
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      // Header, mask, and four characters behind it (section 5.2).
      if (bytes.length >= 10)
        arrived.resolve(String(bytes.subarray(6, 10).map((byte, i) => byte ^ bytes[2 + (i % 4)]!)));
    });
  });
  const socket = await http.listen({ url });
  t.after(() => socket.close());
  socket.send('ping');
  assert.equal(await arrived.promise, 'ping');
});

test('a server that refuses, hangs up or sends elsewhere opens none, and the credential goes nowhere else', async (t) => {
  let elsewhere = 0;
  const other = await serve(t, (socket) => {
    elsewhere++;
    socket.end();
  });
  for (const answer of [
    'HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n',
    `HTTP/1.1 302 Found\r\nlocation: ${other}/\r\ncontent-length: 0\r\n\r\n`,
    '',
  ]) {
    const url = await serve(t, (socket) => socket.end(answer));
    await assert.rejects(http.listen({ url, headers: { authorization: 'Bearer pgh_test' } }), {
      name: 'UserError',
      message: `${url} opens no WebSocket`,
    });
  }
  assert.equal(elsewhere, 0);
});

test('a server that says nothing is not waited for longer than was asked', async (t) => {
  const url = await serve(t, () => undefined);
  await assert.rejects(http.listen({ url, timeoutMs: 100 }), { message: `${url} opens no WebSocket` });
});

async function serve(t: TestContext, upgrade: (socket: Duplex, headers: NodeJS.Dict<string>) => void): Promise<string> {
  const server = createServer((_, response) => response.writeHead(426).end());
  const sockets = new Set<Duplex>();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    upgrade(socket, request.headers as NodeJS.Dict<string>); // the ones that are asked for are single
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // no pipe: it listens on a port
}

function accept(socket: Duplex, key: string): void {
  const answer = createHash('sha1')
    .update(key + ACCEPT)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`,
  );
}

/** Of less than 126 bytes, from a server (section 5.2). */
function frame(head: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([head, payload.length]), payload]);
}
