/**
 * One `struct msghdr` for recvmsg(2) and sendmsg(2), filled in place: who, how many bytes, which address of ours, and
 * the ECN bits. Layouts: recvmsg(2), cmsg(3), ip(7), ipv6(7).
 */
import type { DatagramSource } from '../../src/tunnel/ports.ts';
import type { Endpoint } from '../../src/peer/endpoint.ts';
import type { Ffi, Handle } from './ffi.ts';
import { Memory } from './memory.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;

export const IPPROTO_IP = 0;
export const IP_TOS = 1;
export const IP_PKTINFO = 8;
export const IPPROTO_IPV6 = 41;
export const IPV6_PKTINFO = 50;
export const IPV6_TCLASS = 67;

export const MSG_TRUNC = 0x20;
const ECN_MASK = 3;

// struct msghdr
const MSG_NAME = 0;
export const MSG_NAME_LENGTH = 8;
export const MSG_IOV = 16;
export const MSG_IOV_COUNT = 24;
export const MSG_CONTROL = 32;
export const MSG_CONTROL_LENGTH = 40;
export const MSG_FLAGS = 48;
export const MSGHDR_BYTES = 56;
/** struct mmsghdr: a msghdr, and how many bytes it was. */
export const MMSGHDR_BYTES = 64;
// what it points to, in the same block
const IOV_AT = MSGHDR_BYTES;
const NAME_AT = 72;
const CONTROL_AT = 104;
const CONTROL_ROOM = 128;

export const CMSG_HEADER = 16;

/** RFC 4291 section 2.5.6: fe80::/10. */
function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
}

export class SocketMessage {
  readonly handle: Handle;
  readonly #memory: Memory;

  constructor(ffi: Ffi) {
    this.#memory = new Memory(ffi, CONTROL_AT + CONTROL_ROOM);
    this.handle = this.#memory.at(0);
    const { address } = this.#memory;
    this.#memory.setAddress(MSG_NAME, address + NAME_AT);
    this.#memory.setAddress(MSG_IOV, address + IOV_AT);
    this.#memory.setUint64(MSG_IOV_COUNT, 1);
    this.#memory.setAddress(MSG_CONTROL, address + CONTROL_AT);
  }

  /** Makes room for a datagram of up to `length` bytes at `address`. */
  prepareReceive(address: number, length: number): void {
    this.#setData(address, length);
    this.#memory.view.setUint32(MSG_NAME_LENGTH, SOCKADDR_IN6_BYTES, true);
    this.#memory.setUint64(MSG_CONTROL_LENGTH, CONTROL_ROOM);
  }

  /** Reads what recvmsg told into `source`. */
  readSource(source: DatagramSource): void {
    const { view } = this.#memory;
    source.truncated = (view.getInt32(MSG_FLAGS, true) & MSG_TRUNC) !== 0;
    source.ecn = 0;
    source.from.clearSource();
    this.#readName(source.from);
    const end = CONTROL_AT + view.getUint32(MSG_CONTROL_LENGTH, true);
    for (let at = CONTROL_AT; at + CMSG_HEADER <= end;) {
      const length = view.getUint32(at, true);
      if (length < CMSG_HEADER) break;
      this.#readControl(at, source);
      at += (length + 7) & ~7;
    }
  }

  /** Addresses `length` bytes at `address` to `to`, from its sticky source when it has one. */
  prepareSend(address: number, length: number, to: Endpoint, ecn: number): void {
    this.#setData(address, length);
    this.#writeName(to);
    let end = CONTROL_AT;
    if (ecn !== 0) end = this.#writeEcn(end, to, ecn);
    if (to.hasSource) end = this.#writeSource(end, to);
    this.#memory.setUint64(MSG_CONTROL_LENGTH, end - CONTROL_AT);
  }

  #setData(address: number, length: number): void {
    this.#memory.setAddress(IOV_AT, address);
    this.#memory.setUint64(IOV_AT + 8, length);
  }

  #readName(from: Endpoint): void {
    const { bytes, view } = this.#memory;
    from.port = view.getUint16(NAME_AT + 2);
    if (view.getUint16(NAME_AT, true) === AF_INET) {
      from.family = 4;
      copy(bytes, NAME_AT + 4, from.address, 0, 4);
      from.scopeId = 0;
    } else {
      from.family = 6;
      copy(bytes, NAME_AT + 8, from.address, 0, 16);
      from.scopeId = view.getUint32(NAME_AT + 24, true);
    }
  }

  #readControl(at: number, source: DatagramSource): void {
    const { bytes, view } = this.#memory;
    const data = at + CMSG_HEADER;
    const { from } = source;
    switch (view.getInt32(at + 8, true) * 256 + view.getInt32(at + 12, true)) {
      case IPPROTO_IP * 256 + IP_TOS:
      case IPPROTO_IPV6 * 256 + IPV6_TCLASS: // an int, its first byte on a little-endian machine
        source.ecn = bytes[data]! & ECN_MASK;
        break;
      case IPPROTO_IP * 256 + IP_PKTINFO: // index, local address, address in the header
        from.arrivalInterface = view.getUint32(data, true);
        copy(bytes, data + 4, from.source, 0, 4);
        from.hasSource = true;
        break;
      case IPPROTO_IPV6 * 256 + IPV6_PKTINFO: // address, index
        from.arrivalInterface = view.getUint32(data + 16, true);
        copy(bytes, data, from.source, 0, 16);
        // Any other source is good on every interface: routing may change without the address going away.
        from.sourceInterface = isLinkLocal(from.source) ? from.arrivalInterface : 0;
        from.hasSource = true;
        break;
    }
  }

  #writeName(to: Endpoint): void {
    const { bytes, view } = this.#memory;
    const v4 = to.family === 4;
    view.setUint16(NAME_AT, v4 ? AF_INET : AF_INET6, true);
    view.setUint16(NAME_AT + 2, to.port);
    view.setUint32(MSG_NAME_LENGTH, v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES, true);
    view.setUint32(NAME_AT + 4, 0, true); // flow label of IPv6
    copy(to.address, 0, bytes, NAME_AT + (v4 ? 4 : 8), v4 ? 4 : 16);
    if (!v4) view.setUint32(NAME_AT + 24, to.scopeId, true);
  }

  #writeEcn(at: number, to: Endpoint, ecn: number): number {
    const v4 = to.family === 4;
    this.#writeHeader(at, 4, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS);
    this.#memory.view.setInt32(at + CMSG_HEADER, ecn, true);
    return at + CMSG_HEADER + 8;
  }

  #writeSource(at: number, to: Endpoint): number {
    const { bytes, view } = this.#memory;
    const data = at + CMSG_HEADER;
    if (to.family === 4) {
      this.#writeHeader(at, 12, IPPROTO_IP, IP_PKTINFO);
      view.setUint32(data, to.sourceInterface, true);
      copy(to.source, 0, bytes, data + 4, 4);
      view.setUint32(data + 8, 0, true);
      return data + 16;
    }
    this.#writeHeader(at, 20, IPPROTO_IPV6, IPV6_PKTINFO);
    copy(to.source, 0, bytes, data, 16);
    view.setUint32(data + 16, to.sourceInterface, true);
    return data + 24;
  }

  #writeHeader(at: number, length: number, level: number, type: number): void {
    this.#memory.setUint64(at, CMSG_HEADER + length);
    this.#memory.view.setInt32(at + 8, level, true);
    this.#memory.view.setInt32(at + 12, type, true);
  }
}

/** Copies a few bytes without making a view of them. */
function copy(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, length: number): void {
  for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i]!;
}
