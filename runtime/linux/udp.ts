/**
 * The UDP port on Linux: one socket for IPv4 and one for IPv6, on the same port.
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

  /** `socketPoller`: who watches the sockets, when others read them. */
  constructor(ffi: Ffi, poller: Watches, socketPoller: Watches = poller) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#poller = socketPoller;
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

  /** Descriptors of the sockets, -1 where there is none. */
  get descriptors(): { v4: number; v6: number } {
    return { v4: this.#sockets?.v4.fd ?? -1, v6: this.#sockets?.v6?.fd ?? -1 };
  }

  /** Which state of the host's routing it is: what `receive` notes in an endpoint. */
  get routing(): number {
    return this.#routes.generation;
  }

  bind(port: number): void {
    if (port !== 0 && port === this.port) return;
    const sockets = this.#openPair(port);
    this.unbind();
    this.#sockets = sockets;
    this.rearm();
  }

  unbind(): void {
    const sockets = this.#sockets;
    if (sockets === undefined) return;
    this.#sockets = undefined;
    this.#closeSocket(sockets.v4);
    if (sockets.v6 !== undefined) this.#closeSocket(sockets.v6);
  }

  setFwmark(mark: number): void {
    if (mark === this.#mark) return;
    if (this.#sockets !== undefined) {
      this.#applyMark(this.#sockets.v4.fd, mark);
      if (this.#sockets.v6 !== undefined) this.#applyMark(this.#sockets.v6.fd, mark);
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

  #openPair(port: number): Sockets {
    for (let attempt = 1; ; attempt++) {
      const v4 = this.#watched(this.#openSocket(AF_INET, port));
      try {
        const bound = this.#boundPort(v4.fd);
        const v6 = this.#openSocketIfSupported(AF_INET6, bound);
        return { port: bound, v4, v6: v6 === undefined ? undefined : this.#watched(v6) };
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

  #openSocket(family: number, port: number): number {
    const fd = this.#libc.socket(family, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
    if (fd < 0) throw new LibcError('cannot open a UDP socket', this.#ffi.errno());
    try {
      this.#setOptions(fd, family);
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

  #closeSocket({ fd, watch }: Socket): void {
    watch.release();
    this.#libc.close(fd);
  }
}

const V4_OPTIONS = [
  [IPPROTO_IP, IP_PKTINFO],
  [IPPROTO_IP, IP_RECVTOS],
] as const;
const V6_OPTIONS = [
  [IPPROTO_IPV6, IPV6_V6ONLY],
  [IPPROTO_IPV6, IPV6_RECVPKTINFO],
  [IPPROTO_IPV6, IPV6_RECVTCLASS],
] as const;
