/**
 * Sends runs of messages from the wire slots: one sendmsg(2) for as many as a peer, a size and the kernel allow (UDP_SEGMENT,
 * Linux 4.18); where the kernel or the device cannot segment, one sendmmsg(2) for all of them. Layouts: sendmsg(2), sendmmsg(2),
 * udp(7), ip(7), ipv6(7).
 */
import { IOVEC_BYTES } from '../../../src/offload/iovec.ts';
import { ADDRESS, HAS_SOURCE, PEER, SCOPE, SOURCE, SOURCE_INTERFACE } from '../../../src/plane/endpoint-words.ts';
import type { Ffi } from '../ffi.ts';
import { EADDRNOTAVAIL, EINTR, EINVAL, EIO, EMSGSIZE, ENETUNREACH, ENODEV } from '../libc.ts';
import {
  AF_INET,
  AF_INET6,
  CMSG_HEADER,
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  MMSGHDR_BYTES,
  MSG_CONTROL,
  MSG_CONTROL_LENGTH,
  MSG_IOV,
  MSG_IOV_COUNT,
  MSG_NAME_LENGTH,
  SOCKADDR_IN6_BYTES,
  SOCKADDR_IN_BYTES,
} from '../socket-message.ts';
import { type FastLibc, SOL_UDP, UDP_SEGMENT } from './fast-libc.ts';
import { MESSAGE, type PacketMemory } from './packet-memory.ts';

/** UDP_MAX_SEGMENTS before Linux 6.9, and the longest datagram. */
const MOST_SEGMENTS = 64;
const LONGEST_SEND = 65_507;

/** Errors that mean: this source address, or the way from it, is not there any more. */
const SOURCE_ERRORS: ReadonlySet<number> = new Set([EINVAL, EADDRNOTAVAIL, ENODEV, ENETUNREACH]);
/** Errors that mean: not as one. The device cannot (EIO), the path's MTU is smaller (EINVAL, EMSGSIZE), or the kernel is old. */
const SEGMENT_ERRORS: ReadonlySet<number> = new Set([EIO, EINVAL, EMSGSIZE]);

export interface UdpSender {
  /** What follows goes to the endpoint with these words, with these ECN bits. */
  aim(words: Int32Array, ecn: number): void;
  /**
   * Sends the messages in slots `from` up to `to`, of which all but the last have `messageBytes` and the last `lastBytes`.
   * Returns how many bytes the kernel took.
   */
  send(from: number, to: number, messageBytes: number, lastBytes: number): number;
  /** How many messages of this length go out with one call. */
  mostAtOnce(messageBytes: number): number;
  /** Whether the kernel has refused the source since `aim`; it is not used any more until the next one. */
  readonly hasLostSource: boolean;
}

export function createUdpSender(
  ffi: Ffi,
  libc: FastLibc,
  memory: PacketMemory,
  socketOf: (family: number) => number,
): UdpSender {
  const { arena, wire } = memory;
  const { u32, view, bytes } = arena;
  /** A struct mmsghdr for each slot, all to the same address with the same control data. */
  const messages = memory.reserve(wire.at.length * MMSGHDR_BYTES);
  const pointers = memory.pointers(messages, MMSGHDR_BYTES, wire.at.length);
  const name = memory.reserve(SOCKADDR_IN6_BYTES);
  const control = memory.reserve(128);
  const iovecs = memory.reserve(wire.at.length * IOVEC_BYTES);
  for (let slot = 0; slot < wire.at.length; slot++) {
    const message = messages + slot * MMSGHDR_BYTES;
    memory.setAddress(iovecs + slot * IOVEC_BYTES, wire.at[slot]! + MESSAGE);
    memory.setAddress(message, name);
    memory.setAddress(message + MSG_IOV, iovecs + slot * IOVEC_BYTES);
    memory.setAddress(message + MSG_CONTROL, control);
  }

  let fd = -1;
  let v4 = true;
  let ecnBits = 0;
  /** Where the control data that all messages have ends. */
  let controlEnd = 0;
  let hasSource = false;
  let lostSource = false;
  let canSegment = true;

  function writeHeader(at: number, length: number, level: number, type: number): void {
    view.setUint32(at, CMSG_HEADER + length, true);
    view.setUint32(at + 4, 0, true);
    view.setInt32(at + 8, level, true);
    view.setInt32(at + 12, type, true);
  }

  function writeControl(words: Int32Array): void {
    let end = control;
    if (hasSource && v4) {
      writeHeader(end, 12, IPPROTO_IP, IP_PKTINFO);
      view.setInt32(end + 16, words[SOURCE_INTERFACE]!, true);
      view.setInt32(end + 20, words[SOURCE]!, true);
      view.setInt32(end + 24, 0, true);
      end += 32;
    } else if (hasSource) {
      writeHeader(end, 20, IPPROTO_IPV6, IPV6_PKTINFO);
      for (let i = 0; i < 4; i++) view.setInt32(end + 16 + 4 * i, words[SOURCE + i]!, true);
      view.setInt32(end + 32, words[SOURCE_INTERFACE]!, true);
      end += 40;
    }
    if (ecnBits !== 0) {
      writeHeader(end, 4, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS);
      view.setInt32(end + 16, ecnBits, true);
      end += 24;
    }
    controlEnd = end;
  }

  /** Makes the message of a slot one of `count` slots; its control data ends at `end`. */
  function prepare(slot: number, count: number, end: number): void {
    const word = (messages + slot * MMSGHDR_BYTES) >>> 2;
    u32[word + MSG_NAME_LENGTH / 4] = v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES;
    u32[word + MSG_IOV_COUNT / 4] = count;
    u32[word + MSG_CONTROL_LENGTH / 4] = end - control;
  }

  function sendAtOnce(from: number, count: number, segmentBytes: number): boolean {
    writeHeader(controlEnd, 2, SOL_UDP, UDP_SEGMENT);
    view.setUint16(controlEnd + CMSG_HEADER, segmentBytes, true);
    prepare(from, count, controlEnd + 24);
    while (libc.sendmsg(fd, pointers[from], 0) < 0) if (ffi.errno() !== EINTR) return false;
    return true;
  }

  function bytesOf(from: number, to: number): number {
    let sum = 0;
    for (let slot = from; slot < to; slot++) sum += u32[(iovecs + slot * IOVEC_BYTES + 8) >>> 2]!;
    return sum;
  }

  /** Each message for itself. One that the kernel does not take is passed over. */
  function sendEach(from: number, to: number): number {
    for (let slot = from; slot < to; slot++) prepare(slot, 1, controlEnd);
    let sent = 0;
    for (let slot = from; slot < to;) {
      // It stops at the first error, and tells of it when that is the very first message.
      const taken = to - slot > 1 ? libc.sendmmsg(fd, pointers[slot], to - slot, 0) : sendOne(slot);
      if (taken > 0) {
        sent += bytesOf(slot, slot + taken);
        slot += taken;
        continue;
      }
      const errno = ffi.errno();
      if (errno === EINTR) continue;
      if (!hasSource || !SOURCE_ERRORS.has(errno)) slot++;
      else {
        dropSource();
        for (let rest = slot; rest < to; rest++) prepare(rest, 1, controlEnd);
      }
    }
    return sent;
  }

  function sendOne(slot: number): number {
    return libc.sendmsg(fd, pointers[slot], 0) < 0 ? -1 : 1;
  }

  function dropSource(): void {
    hasSource = false;
    lostSource = true;
    writeControl(NO_WORDS);
  }

  return {
    aim(words, ecn) {
      v4 = words[PEER]! >>> 16 === 4;
      fd = socketOf(v4 ? 4 : 6);
      ecnBits = ecn;
      hasSource = words[HAS_SOURCE] !== 0;
      lostSource = false;
      bytes.fill(0, name, name + SOCKADDR_IN6_BYTES);
      view.setUint16(name, v4 ? AF_INET : AF_INET6, true);
      view.setUint16(name + 2, words[PEER]! & 0xffff);
      view.setInt32(name + (v4 ? 4 : 8), words[ADDRESS]!, true);
      if (!v4) {
        for (let i = 1; i < 4; i++) view.setInt32(name + 8 + 4 * i, words[ADDRESS + i]!, true);
        view.setInt32(name + 24, words[SCOPE]!, true);
      }
      writeControl(words);
    },

    send(from, to, messageBytes, lastBytes) {
      for (let slot = from; slot < to - 1; slot++) u32[(iovecs + slot * IOVEC_BYTES + 8) >>> 2] = messageBytes;
      u32[(iovecs + (to - 1) * IOVEC_BYTES + 8) >>> 2] = lastBytes;
      if (fd < 0) return 0;
      const count = to - from;
      if (count === 1 || !canSegment) return sendEach(from, to);
      if (sendAtOnce(from, count, messageBytes)) return (count - 1) * messageBytes + lastBytes;
      const errno = ffi.errno();
      if (errno === EIO) canSegment = false;
      if (SEGMENT_ERRORS.has(errno) || SOURCE_ERRORS.has(errno)) return sendEach(from, to);
      return 0;
    },

    mostAtOnce: (messageBytes) =>
      canSegment ? Math.min(MOST_SEGMENTS, Math.max(1, Math.floor(LONGEST_SEND / messageBytes))) : MOST_SEGMENTS,

    get hasLostSource() {
      return lostSource;
    },
  };
}

const NO_WORDS = new Int32Array(16);
