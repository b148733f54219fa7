/**
 * A peer of a tunnel each of whose messages leaves several times, from as many ports: reads an Order as JSON from standard input, sends
 * so many echo requests, the next one when there is an answer to the last, and prints a Report.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
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
import { TYPE_TRANSPORT } from '../../../../src/noise/messages.ts';
import type { Udp } from '../../../../src/tunnel/ports.ts';
import { createEcho } from './echo.ts';

export interface Order {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly endpoint: string;
  readonly from: string;
  readonly to: string;
  /** Ports besides the tunnel's own. */
  readonly copies: number;
  readonly messages: number;
}

export interface Report {
  /** How many were answered. */
  readonly messages: number;
}

const KEEPALIVE_BYTES = 32;

const order = (await json(process.stdin)) as Order; // what several-workers.test.ts writes
const endpoint = parseEndpoint(order.endpoint)!;
const { address, port } = /^(?<address>[^:]+):(?<port>\d+)$/.exec(order.endpoint)!.groups!;
const udp = createDgramUdp();
let isAnswered: () => void = () => {};
const sockets = await Promise.all(
  Array.from({ length: order.copies }, async () => {
    const socket = createSocket('udp4');
    socket.bind();
    await once(socket, 'listening');
    // The answer goes to wherever the peer was heard of last.
    const isAnswer = (message: Uint8Array): boolean =>
      message[0] === TYPE_TRANSPORT && message.length > KEEPALIVE_BYTES;
    return socket.on('message', (message) => isAnswer(message) && isAnswered());
  }),
);

const copying: Udp = {
  get port() {
    return udp.port;
  },
  bind: (port) => udp.bind(port),
  unbind: () => udp.unbind(),
  setFwmark: (mark) => udp.setFwmark(mark),
  receive: (...args) => udp.receive(...args),
  send(buffer, offset, length, to, ecn) {
    const message = buffer.slice(offset, offset + length);
    if (message[0] === TYPE_TRANSPORT) for (const socket of sockets) socket.send(message, Number(port), address);
    return udp.send(buffer, offset, length, to, ecn);
  },
  onReadable: (listener) => udp.onReadable(listener),
  rearm: () => udp.rearm(),
  close: () => udp.close(),
};

const tun = new MemoryTun();
const tunnel = createTunnel({ tun, udp: copying });
const peer = {
  publicKey: parsePublicKey(order.publicKey)!,
  endpoint,
  allowedIps: [{ cidr: parseCidr(`${order.to}/32`)! }],
};
tunnel.configure({ privateKey: parsePrivateKey(order.privateKey)!, peers: [peer] });
tun.onHostReadable(() => {
  while (tun.receive() !== undefined) isAnswered();
});
tun.setLink('up');
let messages = 0;
for (let sequence = 0; sequence < order.messages; sequence++) {
  const { promise, resolve } = Promise.withResolvers<void>();
  isAnswered = resolve;
  tun.send(createEcho(order.from, order.to, sequence));
  await promise;
  messages++;
}
await tunnel.close();
for (const socket of sockets) socket.close();
process.stdout.write(`${JSON.stringify({ messages } satisfies Report)}\n`);
