/**
 * Receives datagrams into the wire slots: one recvmsg(2) takes as many as the kernel has merged (UDP_GRO, Linux 5.0), scattered
 * as the last ones were long. Layouts: recvmsg(2), udp(7), ip(7), ipv6(7).
 */
import {
  ADDRESS,
  ARRIVAL,
  ENDPOINT_WORDS,
  HAS_SOURCE,
  PEER,
  SCOPE,
  SOURCE,
  SOURCE_INTERFACE,
} from '../../../src/plane/endpoint-words.ts';
import { IOVEC_BYTES } from '../../../src/offload/iovec.ts';
import { SPILL_BYTES } from '../../../src/offload/split.ts';
import type { Ffi } from '../ffi.ts';
import { EINTR } from '../libc.ts';
import {
  AF_INET,
  CMSG_HEADER,
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  MSG_CONTROL,
  MSG_CONTROL_LENGTH,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOV_COUNT,
  MSG_NAME_LENGTH,
  MSG_TRUNC,
  MSGHDR_BYTES,
  SOCKADDR_IN6_BYTES,
} from '../socket-message.ts';
import { type FastLibc, SOL_UDP, UDP_GRO } from './fast-libc.ts';
import { LONGEST_IN_SLOT, MESSAGE, type PacketMemory } from './packet-memory.ts';

const CONTROL_ROOM = 192;

/** What the last call brought: `messages` datagrams of `messageBytes`, the last one of `lastBytes`. */
export interface Received {
  messages: number;
  messageBytes: number;
  lastBytes: number;
  /** They lie in the slots; otherwise one after the other in linear memory. */
  inSlots: boolean;
  truncated: boolean;
  /** ECN bits of all of them. */
  ecn: number;
  /** Where all of them came from, as endpoint words. */
  readonly from: Int32Array;
}

export interface UdpReceiver {
  readonly received: Received;
  /** False when there is nothing now. */
  receive(fd: number): boolean;
}

export function createUdpReceiver(ffi: Ffi, libc: FastLibc, memory: PacketMemory): UdpReceiver {
  const { arena, wire, spill, linear } = memory;
  const { u32, view, bytes } = arena;
  const { count } = wire.slots;
  const message = memory.reserve(MSGHDR_BYTES);
  const name = memory.reserve(SOCKADDR_IN6_BYTES);
  const control = memory.reserve(CONTROL_ROOM);
  const iovecs = memory.reserve((count + 1) * IOVEC_BYTES);
  const pointer = memory.pointer(message);
  memory.setAddress(message, name);
  memory.setAddress(message + MSG_CONTROL, control);
  memory.setAddress(message + MSG_IOV, iovecs);
  u32[(message + MSG_IOV_COUNT) >>> 2] = count + 1;
  for (let slot = 0; slot < count; slot++) memory.setAddress(iovecs + slot * IOVEC_BYTES, wire.at[slot]! + MESSAGE);
  memory.setAddress(iovecs + count * IOVEC_BYTES, spill);
  u32[(iovecs + count * IOVEC_BYTES + 8) >>> 2] = SPILL_BYTES;

  const from = new Int32Array(ENDPOINT_WORDS);
  const received: Received = {
    messages: 0,
    messageBytes: 0,
    lastBytes: 0,
    inSlots: true,
    truncated: false,
    ecn: 0,
    from,
  };
  /** How much each slot takes: the expected length of a datagram. */
  let expected = 0;
  expect(LONGEST_IN_SLOT);

  function expect(length: number): void {
    const next = Math.min(length, LONGEST_IN_SLOT);
    if (next === expected) return;
    expected = next;
    for (let slot = 0; slot < count; slot++) u32[(iovecs + slot * IOVEC_BYTES + 8) >>> 2] = next;
  }

  function readName(): void {
    const v4 = view.getUint16(name, true) === AF_INET;
    from.fill(0);
    from[PEER] = ((v4 ? 4 : 6) << 16) | view.getUint16(name + 2);
    from[ADDRESS] = view.getInt32(name + (v4 ? 4 : 8), true);
    if (v4) return;
    for (let i = 1; i < 4; i++) from[ADDRESS + i] = view.getInt32(name + 8 + 4 * i, true);
    from[SCOPE] = view.getInt32(name + 24, true);
  }

  /** Returns the length of each datagram when several were merged, else 0. */
  function readControl(): number {
    let segmentBytes = 0;
    received.ecn = 0;
    const end = control + u32[(message + MSG_CONTROL_LENGTH) >>> 2]!;
    for (let at = control; at + CMSG_HEADER <= end;) {
      const length = u32[at >>> 2]!;
      if (length < CMSG_HEADER) break;
      const level = u32[(at >>> 2) + 2]!;
      const type = u32[(at >>> 2) + 3]!;
      const data = at + CMSG_HEADER;
      if (level === SOL_UDP && type === UDP_GRO) segmentBytes = view.getInt32(data, true);
      else if ((level === IPPROTO_IP && type === IP_TOS) || (level === IPPROTO_IPV6 && type === IPV6_TCLASS))
        received.ecn = bytes[data]! & 3;
      else if (level === IPPROTO_IP && type === IP_PKTINFO) {
        from[ARRIVAL] = view.getInt32(data, true);
        from[SOURCE] = view.getInt32(data + 4, true);
        from[HAS_SOURCE] = 1;
      } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
        for (let i = 0; i < 4; i++) from[SOURCE + i] = view.getInt32(data + 4 * i, true);
        from[ARRIVAL] = view.getInt32(data + 16, true);
        // fe80::/10, as in socket-message.ts: any other source is good on every interface.
        const isLinkLocal = bytes[data] === 0xfe && (bytes[data + 1]! & 0xc0) === 0x80;
        from[SOURCE_INTERFACE] = isLinkLocal ? from[ARRIVAL] : 0;
        from[HAS_SOURCE] = 1;
      }
      at += (length + 7) & ~7;
    }
    return segmentBytes;
  }

  /** Puts what is spread over the slots together in linear memory. */
  function gather(length: number): void {
    let done = 0;
    for (let slot = 0; slot < count && done < length; slot++) {
      const part = Math.min(expected, length - done);
      const at = wire.at[slot]! + MESSAGE;
      bytes.copyWithin(linear + done, at, at + part);
      done += part;
    }
    if (done < length) bytes.copyWithin(linear + done, spill, spill + length - done);
  }

  return {
    received,
    receive(fd) {
      let length: number;
      do {
        u32[(message + MSG_NAME_LENGTH) >>> 2] = SOCKADDR_IN6_BYTES;
        u32[(message + MSG_CONTROL_LENGTH) >>> 2] = CONTROL_ROOM;
        length = libc.recvmsg(fd, pointer, 0);
      } while (length < 0 && ffi.errno() === EINTR);
      if (length < 0) return false;
      readName();
      const merged = readControl();
      const messageBytes = merged === 0 ? length : merged;
      received.truncated = (u32[(message + MSG_FLAGS) >>> 2]! & MSG_TRUNC) !== 0;
      received.messages = messageBytes === 0 ? 1 : Math.max(1, Math.ceil(length / messageBytes));
      received.messageBytes = messageBytes;
      received.lastBytes = length - (received.messages - 1) * messageBytes;
      received.inSlots =
        received.messages === 1 ? length <= expected : messageBytes === expected && received.messages <= count;
      if (!received.inSlots) {
        gather(length);
        // Small messages among large ones are not worth a change: one that is alone fits in any case.
        if (received.messages > 1 || messageBytes > expected) expect(messageBytes);
      }
      return true;
    },
  };
}
