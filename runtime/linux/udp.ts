/**
 * The UDP port on Linux: one socket for IPv4 and one for IPv6, on the same port; or several of each, among which the kernel spreads
 * what comes by addresses and ports (SO_REUSEPORT).
 *
 * Replies leave from the address that the peer wrote to ("sticky source", IP_PKTINFO), until the kernel says that it is
 * no longer ours, or that the way from there has come to lead through another interface. A host without IPv6 gets one socket.
 */
import type { Endpoint } from '../../src/peer/endpoint.ts';
import type { DatagramSource, Udp } from '../../src/tunnel/ports.ts';
import type { Ffi } from './ffi.ts';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINTR,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  loadLibc,
  LibcError,
  type Libc,
} from './libc.ts';
import { AddressCache, Memory } from './memory.ts';
import type { Watch, Watches } from './poller.ts';
import { Routes } from './routes.ts';
import {
  AF_INET,
  AF_INET6,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  SOCKADDR_IN6_BYTES,
  SOCKADDR_IN_BYTES,
  SocketMessage,
} from './socket-message.ts';

const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0x80000 | 0x800;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_REUSEPORT = 15;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_MARK = 36;
const IP_RECVTOS = 13;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVTCLASS = 66;

/** As wireguard-go: enough for some hundred datagrams of the greatest size. */
const BUFFER_BYTES = 7 << 20;
/** Datagrams of one family before the other is asked. */
const LONGEST_TURN = 64;
/** Times to look for a port that is free in both families. */
const PORT_ATTEMPTS = 100;

/** Errors of a send that mean: this source address, or the way from it, is not there any more. */
const SOURCE_ERRORS: ReadonlySet<number> = new Set([EINVAL, EADDRNOTAVAIL, ENODEV, ENETUNREACH]);

interface Sockets {
  port: number;
  v4: Socket;
  v6: Socket | undefined;
  /** Those that share the port with the two. Others receive from them. */
  others: readonly { v4: Socket; v6: Socket | undefined }[];
}

/** Descriptors, -1 where there is none. */
export interface SocketPair {
  readonly v4: number;
  readonly v6: number;
}

export interface LinuxUdpOptions {
  /** Who watches the sockets, when others read them. */
  socketPoller?: Watches;
  /** How many sockets of each family. With more than one it is for others to receive. Default: 1. */
  count?: number;
  /** There is only one, though there should be more. */
  onNotShared?: (error: unknown) => void;
}

interface Socket {
  fd: number;
  watch: Watch;
}

/** Starts without a port: nothing is received or sent before `bind`. */
export function createUdp(ffi: Ffi, poller: Watches): Udp {
  return new LinuxUdp(ffi, poller);
}

export class LinuxUdp implements Udp {
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #poller: Watches;
  readonly #count: number;
  readonly #onNotShared: (error: unknown) => void;
  readonly #routes: Routes;
  readonly #scratch: Memory;
  readonly #incoming: SocketMessage;
  readonly #outgoing: SocketMessage;
  readonly #receiveAddresses: AddressCache;
  readonly #sendAddresses: AddressCache;
  #sockets: Sockets | undefined;
  #mark = 0;
  #isV6Turn = false;
  #turn = 0;
  #onReadable: () => void = () => {};
  #onRouting: () => void = () => {};

  constructor(
    ffi: Ffi,
    poller: Watches,
    { socketPoller = poller, count = 1, onNotShared = () => {} }: LinuxUdpOptions = {},
  ) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#poller = socketPoller;
    this.#count = count;
    this.#onNotShared = onNotShared;
    this.#routes = new Routes(ffi, poller, () => this.#onRouting());
    this.#scratch = new Memory(ffi, 64);
    this.#incoming = new SocketMessage(ffi);
    this.#outgoing = new SocketMessage(ffi);
    this.#receiveAddresses = new AddressCache(ffi);
    this.#sendAddresses = new AddressCache(ffi);
  }

  get port(): number {
    return this.#sockets?.port ?? 0;
  }

  /** The pairs that share the port. */
  get descriptors(): readonly SocketPair[] {
    return this.#pairs.map(({ v4, v6 }) => ({ v4: v4.fd, v6: v6?.fd ?? -1 }));
  }

  get #pairs(): Sockets['others'] {
    return this.#sockets === undefined ? [] : [this.#sockets, ...this.#sockets.others];
  }

  /** Which state of the host's routing it is: what `receive` notes in an endpoint. */
  get routing(): number {
    return this.#routes.generation;
  }

  bind(port: number): void {
    if (port !== 0 && port === this.port) return;
    const sockets = this.#openAll(port);
    this.unbind();
    this.#sockets = sockets;
    this.rearm();
  }

  unbind(): void {
    const pairs = this.#pairs;
    this.#sockets = undefined;
    for (const pair of pairs) this.#closePair(pair);
  }

  setFwmark(mark: number): void {
    if (mark === this.#mark) return;
    for (const { v4, v6 } of this.#pairs) {
      this.#applyMark(v4.fd, mark);
      if (v6 !== undefined) this.#applyMark(v6.fd, mark);
    }
    this.#mark = mark;
  }

  receive(buffer: Uint8Array, offset: number, source: DatagramSource): number {
    const sockets = this.#sockets;
    if (sockets === undefined) return -1;
    const { v4, v6 } = sockets;
    if (v6 === undefined) return this.#receiveFrom(v4, buffer, offset, source);
    // One family for as long as it has something, but not so long that the other starves.
    if (this.#turn++ === LONGEST_TURN) this.#switchFamily();
    for (let attempt = 0; attempt < 2; attempt++) {
      const length = this.#receiveFrom(this.#isV6Turn ? v6 : v4, buffer, offset, source);
      if (length >= 0) return length;
      this.#switchFamily();
    }
    return -1;
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint, ecn: number): boolean {
    const socket = to.family === 4 ? this.#sockets?.v4 : this.#sockets?.v6;
    if (socket === undefined) return false;
    if (to.hasSource && to.routing !== this.#routes.generation) this.#reviewSource(to);
    const address = this.#sendAddresses.of(buffer) + offset;
    for (;;) {
      this.#outgoing.prepareSend(address, length, to, ecn);
      if (this.#libc.sendmsg(socket.fd, this.#outgoing.handle, 0) >= 0) return true;
      const errno = this.#ffi.errno();
      if (errno === EINTR) continue;
      if (!to.hasSource || !SOURCE_ERRORS.has(errno)) return false;
      to.clearSource();
    }
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  /** Called after each change of the host's routing. */
  onRoutingChange(listener: () => void): void {
    this.#onRouting = listener;
  }

  /** Looks whether an endpoint's source is still good, after a change. True when it is not, and is forgotten. */
  review(to: Endpoint): boolean {
    if (!to.hasSource || to.routing === this.#routes.generation) return false;
    this.#reviewSource(to);
    return !to.hasSource;
  }

  rearm(): void {
    this.#sockets?.v4.watch.arm();
    this.#sockets?.v6?.watch.arm();
  }

  close(): Promise<void> {
    this.unbind();
    this.#routes.close();
    return Promise.resolve();
  }

  #switchFamily(): void {
    this.#isV6Turn = !this.#isV6Turn;
    this.#turn = 0;
  }

  #receiveFrom(socket: Socket, buffer: Uint8Array, offset: number, source: DatagramSource): number {
    for (;;) {
      this.#incoming.prepareReceive(this.#receiveAddresses.of(buffer) + offset, buffer.length - offset);
      const length = this.#libc.recvmsg(socket.fd, this.#incoming.handle, 0);
      if (length >= 0) {
        this.#incoming.readSource(source);
        source.from.routing = this.#routes.generation;
        return length;
      }
      if (this.#ffi.errno() !== EINTR) return -1;
    }
  }

  /** After a change in the routing, once for each peer that is sent to. A link-local source is bound to its interface. */
  #reviewSource(to: Endpoint): void {
    to.routing = this.#routes.generation;
    if (to.sourceInterface !== 0 || to.arrivalInterface === 0) return;
    if (this.#routes.interfaceTo(to, this.#mark) !== to.arrivalInterface) to.clearSource();
  }

  /**
   * The first pair takes the port for itself alone, so that a port that is anybody's else is refused as ever; only then may others
   * share it.
   */
  #openAll(port: number): Sockets {
    const first = this.#openPair(port);
    if (this.#count === 1) return first;
    const others: { v4: Socket; v6: Socket | undefined }[] = [];
    try {
      if (!this.#setShared(first, 1)) throw new LibcError('cannot share a UDP port', this.#ffi.errno());
      while (others.length < this.#count - 1) others.push(this.#openOther(first));
      return { ...first, others };
    } catch (error) {
      for (const pair of others) this.#closePair(pair);
      this.#setShared(first, 0); // or any program of this user could take a part of what comes
      this.#onNotShared(error);
      return first;
    }
  }

  #setShared({ v4, v6 }: Sockets, value: 0 | 1): boolean {
    const sockets = v6 === undefined ? [v4] : [v4, v6];
    return sockets.every(({ fd }) => this.#setOption(fd, SOL_SOCKET, SO_REUSEPORT, value));
  }

  #openOther({ port, v6 }: Sockets): { v4: Socket; v6: Socket | undefined } {
    const v4 = this.#watched(this.#openSocket(AF_INET, port, SHARED));
    try {
      return { v4, v6: v6 === undefined ? undefined : this.#watched(this.#openSocket(AF_INET6, port, SHARED)) };
    } catch (error) {
      this.#closeSocket(v4);
      throw error;
    }
  }

  #openPair(port: number): Sockets {
    for (let attempt = 1; ; attempt++) {
      const v4 = this.#watched(this.#openSocket(AF_INET, port));
      try {
        const bound = this.#boundPort(v4.fd);
        const v6 = this.#openSocketIfSupported(AF_INET6, bound);
        return { port: bound, v4, v6: v6 === undefined ? undefined : this.#watched(v6), others: [] };
      } catch (error) {
        this.#closeSocket(v4);
        const taken = error instanceof LibcError && error.errno === EADDRINUSE;
        if (port !== 0 || !taken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  #openSocketIfSupported(family: number, port: number): number | undefined {
    try {
      return this.#openSocket(family, port);
    } catch (error) {
      // No module, or disabled by sysctl.
      const absent = error instanceof LibcError && [EAFNOSUPPORT, EADDRNOTAVAIL].includes(error.errno);
      if (absent) return undefined;
      throw error;
    }
  }

  #openSocket(family: number, port: number, { isShared } = ALONE): number {
    const fd = this.#libc.socket(family, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
    if (fd < 0) throw new LibcError('cannot open a UDP socket', this.#ffi.errno());
    try {
      this.#setOptions(fd, family);
      if (isShared && !this.#setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        throw new LibcError('cannot share a UDP port', this.#ffi.errno());
      const { bytes, view } = this.#scratch;
      bytes.fill(0);
      view.setUint16(0, family, true);
      view.setUint16(2, port);
      if (this.#libc.bind(fd, this.#scratch.at(0), family === AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES) < 0)
        throw new LibcError(`cannot bind UDP port ${port}`, this.#ffi.errno());
      return fd;
    } catch (error) {
      this.#libc.close(fd);
      throw error;
    }
  }

  #setOptions(fd: number, family: number): void {
    const options = family === AF_INET ? V4_OPTIONS : V6_OPTIONS;
    for (const [level, name] of options)
      if (!this.#setOption(fd, level, name, 1))
        throw new LibcError('cannot set an option of a UDP socket', this.#ffi.errno());
    // The forced variants pass the limit of the system, for root only.
    if (!this.#setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES))
      this.#setOption(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
    if (!this.#setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES))
      this.#setOption(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
    if (this.#mark !== 0) this.#applyMark(fd, this.#mark);
  }

  #applyMark(fd: number, mark: number): void {
    if (!this.#setOption(fd, SOL_SOCKET, SO_MARK, mark))
      throw new LibcError(`cannot set the firewall mark ${mark}`, this.#ffi.errno());
  }

  #setOption(fd: number, level: number, name: number, value: number): boolean {
    this.#scratch.view.setUint32(0, value, true);
    return this.#libc.setsockopt(fd, level, name, this.#scratch.at(0), 4) === 0;
  }

  #boundPort(fd: number): number {
    this.#scratch.view.setUint32(32, SOCKADDR_IN6_BYTES, true);
    if (this.#libc.getsockname(fd, this.#scratch.at(0), this.#scratch.at(32)) < 0)
      throw new LibcError('cannot tell the port of a UDP socket', this.#ffi.errno());
    return this.#scratch.view.getUint16(2);
  }

  #watched(fd: number): Socket {
    return { fd, watch: this.#poller.watch(fd, () => this.#onReadable()) };
  }

  #closePair({ v4, v6 }: { v4: Socket; v6: Socket | undefined }): void {
    this.#closeSocket(v4);
    if (v6 !== undefined) this.#closeSocket(v6);
  }

  #closeSocket({ fd, watch }: Socket): void {
    watch.release();
    this.#libc.close(fd);
  }
}

const ALONE = { isShared: false };
const SHARED = { isShared: true };

const V4_OPTIONS = [
  [IPPROTO_IP, IP_PKTINFO],
  [IPPROTO_IP, IP_RECVTOS],
] as const;
const V6_OPTIONS = [
  [IPPROTO_IPV6, IPV6_V6ONLY],
  [IPPROTO_IPV6, IPV6_RECVPKTINFO],
  [IPPROTO_IPV6, IPV6_RECVTCLASS],
] as const;
