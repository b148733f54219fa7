/**
 * The UDP port over node:dgram: for programs that want no FFI and no native addon, on any system that has Node. Other runtimes bind
 * a socket of node:dgram later than they return, which this port cannot wait for.
 *
 * What dgram cannot do is not done: ECN bits are neither read nor set, answers leave from the address that the system chooses, and
 * there is no firewall mark. Packets are copied twice. runtime/linux/udp.ts does all of it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { UserError } from '../../src/errors.ts';
import { formatAddress, parseAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import type { DatagramSource, Udp } from '../../src/tunnel/ports.ts';

/** What is received while nobody reads; more is lost, as in a socket's buffer. */
const MOST_DATAGRAMS = 4_096;
/** What the kernel has not taken yet. */
const MOST_UNSENT_BYTES = 4 << 20;
/** Times to look for a port that is free in both families. */
const PORT_ATTEMPTS = 100;

interface Sockets {
  port: number;
  v4: Socket;
  /** Undefined on a host without IPv6. */
  v6: Socket | undefined;
}

interface Datagram {
  bytes: Uint8Array;
  from: Endpoint;
}

/** Starts without a port: nothing is received or sent before `bind`, which throws UserError when it cannot. */
export function createDgramUdp(): Udp {
  return new DgramUdp();
}

class DgramUdp implements Udp {
  readonly #queue: Datagram[] = [];
  readonly #closing = new Set<Promise<void>>();
  #sockets: Sockets | undefined;
  #unsentBytes = 0;
  #isArmed = false;
  #onReadable: () => void = () => {};

  get port(): number {
    return this.#sockets?.port ?? 0;
  }

  bind(port: number): void {
    if (port !== 0 && port === this.port) return;
    const sockets = this.#openPair(port);
    this.unbind();
    this.#sockets = sockets;
    for (const socket of [sockets.v4, sockets.v6])
      socket?.on('message', (bytes, { address, port }) => this.#accept(bytes, address, port));
    this.rearm();
  }

  unbind(): void {
    const { v4, v6 } = this.#sockets ?? {};
    this.#sockets = undefined;
    this.#queue.length = 0;
    for (const socket of [v4, v6]) if (socket !== undefined) this.#closeSocket(socket);
  }

  setFwmark(mark: number): void {
    if (mark !== 0) throw new UserError('node:dgram cannot set a firewall mark');
  }

  receive(buffer: Uint8Array, offset: number, source: DatagramSource): number {
    const datagram = this.#queue.shift();
    if (datagram === undefined) return -1;
    const { bytes, from } = datagram;
    const length = Math.min(bytes.length, buffer.length - offset);
    buffer.set(bytes.subarray(0, length), offset);
    source.from.copyFrom(from);
    source.ecn = 0;
    source.truncated = length < bytes.length;
    return length;
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint, _ecn: number): boolean {
    to.clearSource();
    const socket = to.family === 4 ? this.#sockets?.v4 : this.#sockets?.v6;
    if (socket === undefined || this.#unsentBytes + length > MOST_UNSENT_BYTES) return false;
    this.#unsentBytes += length;
    // A copy: the socket may keep it for longer than the caller's arena stays as it is.
    const datagram = buffer.slice(offset, offset + length);
    // Whether it has left is known later; one that was refused is lost like any on the way.
    socket.send(datagram, to.port, `${formatAddress(to.ipAddress)}${zoneOf(to)}`, () => {
      this.#unsentBytes -= length;
    });
    return true;
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  rearm(): void {
    this.#isArmed = true;
    if (this.#queue.length > 0) this.#wake();
  }

  async close(): Promise<void> {
    this.unbind();
    await Promise.all(this.#closing);
  }

  #openPair(port: number): Sockets {
    for (let attempt = 1; ; attempt++) {
      const v4 = openSocket('udp4', port);
      if (v4 instanceof Error) throw bindError(v4, port);
      const chosen = v4.address().port;
      const v6 = openSocket('udp6', chosen);
      if (!(v6 instanceof Error)) return { port: chosen, v4, v6 };
      if (v6.code === 'EAFNOSUPPORT' || v6.code === 'EADDRNOTAVAIL') return { port: chosen, v4, v6: undefined };
      this.#closeSocket(v4);
      if (port !== 0 || v6.code !== 'EADDRINUSE' || attempt === PORT_ATTEMPTS) throw bindError(v6, port);
    }
  }

  #closeSocket(socket: Socket): void {
    socket.removeAllListeners('message');
    const closed = new Promise<void>((resolve) => socket.once('close', resolve));
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
    socket.close();
  }

  #accept(bytes: Uint8Array, text: string, port: number): void {
    const [plain = '', zone] = text.split('%', 2);
    const address = parseAddress(plain);
    if (address === undefined || this.#queue.length === MOST_DATAGRAMS) return;
    this.#queue.push({ bytes, from: Endpoint.from(address, port, zone === undefined ? 0 : scopeOf(zone)) });
    this.#wake();
  }

  #wake(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    queueMicrotask(() => this.#onReadable());
  }
}

/** A bound socket, or why there is none. */
function openSocket(type: 'udp4' | 'udp6', port: number): Socket | (Error & { code?: string }) {
  const socket = createSocket({
    type,
    ipv6Only: type === 'udp6',
    // Only addresses come here. Answering at once makes bind() and send() do their work before they return.
    lookup: (address, _options, callback) => callback(null, address, type === 'udp4' ? 4 : 6),
  });
  let failure: Error | undefined;
  let isBinding = true;
  // Later errors are those of datagrams, which may be lost.
  socket.on('error', (error) => {
    if (isBinding) failure = error;
  });
  socket.bind({ port, address: type === 'udp4' ? '0.0.0.0' : '::', exclusive: true });
  isBinding = false;
  if (failure === undefined) return socket;
  socket.close();
  return failure;
}

function bindError(error: Error & { code?: string }, port: number): UserError {
  const reason = error.code === 'EADDRINUSE' ? 'port in use already' : error.message;
  return new UserError(`cannot bind UDP port ${port}: ${reason}`, { cause: error });
}

/** The name of a link-local address's interface, as dgram wants it. */
function zoneOf({ scopeId }: Endpoint): string {
  if (scopeId === 0) return '';
  const name = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((address) => address.family === 'IPv6' && address.scopeid === scopeId),
  )?.[0];
  return name === undefined ? '' : `%${name}`;
}

/** The index of an interface with a link-local address; 0 when it has gone meanwhile. */
function scopeOf(name: string): number {
  for (const address of networkInterfaces()[name] ?? [])
    if (address.family === 'IPv6' && address.scopeid !== undefined && address.scopeid !== 0) return address.scopeid;
  return 0;
}
