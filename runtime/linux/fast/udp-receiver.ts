/**
 * Receives datagrams into the wire slots. Where the kernel merges them (UDP_GRO, Linux 5.0), one recvmsg(2) takes as many as it has
 * merged, scattered as the last ones were long. While they come one by one, as they do without GRO, one recvmmsg(2) takes as many
 * as are there, one slot each. Layouts: recvmsg(2), recvmmsg(2).
 */
import { IOVEC_BYTES } from '../../../src/offload/iovec.ts';
import { SPILL_BYTES } from '../../../src/offload/split.ts';
import type { Ffi } from '../ffi.ts';
import { EINTR } from '../libc.ts';
import {
  MMSGHDR_BYTES,
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
import type { FastLibc } from './fast-libc.ts';
import { LONGEST_IN_SLOT, MESSAGE, type PacketMemory } from './packet-memory.ts';
import { CONTROL_ROOM, createArrival, readArrival } from './udp-arrival.ts';

/** Single datagrams in a row after which many are asked for. */
const SINGLES = 2;
const NAME_ROOM = 32;

/** What is at hand: `messages` datagrams of `messageBytes`, the last one of `lastBytes`. */
export interface Received {
  messages: number;
  messageBytes: number;
  lastBytes: number;
  /** They lie in the slots from `firstSlot` on; otherwise one after the other in linear memory. */
  inSlots: boolean;
  firstSlot: number;
  /** Slots from here on hold nothing that is still to be looked at. */
  freeSlot: number;
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
  /** Goes on to what else the last call has brought. False when that was all. */
  next(): boolean;
}

export function createUdpReceiver(ffi: Ffi, libc: FastLibc, memory: PacketMemory): UdpReceiver {
  const { arena, wire, spill, linear, overflow, overflows } = memory;
  const { u32, bytes } = arena;
  const { count } = wire.slots;
  const arrival = createArrival();
  const received: Received = {
    messages: 0,
    messageBytes: 0,
    lastBytes: 0,
    inSlots: true,
    firstSlot: 0,
    freeSlot: 0,
    truncated: false,
    ecn: 0,
    from: arrival.from,
  };

  // One message, scattered over all slots.
  const message = memory.reserve(MSGHDR_BYTES);
  const name = memory.reserve(NAME_ROOM);
  const control = memory.reserve(CONTROL_ROOM);
  const iovecs = memory.reserve((count + 1) * IOVEC_BYTES);
  const pointer = memory.pointer(message);
  setMessage(message, name, control, iovecs, count + 1);
  for (let slot = 0; slot < count; slot++) memory.setAddress(iovecs + slot * IOVEC_BYTES, wire.at[slot]! + MESSAGE);
  setIovec(iovecs + count * IOVEC_BYTES, spill, SPILL_BYTES);

  // Many messages, each in its slot and, where that is full, its overflow.
  const many = memory.reserve(overflows * MMSGHDR_BYTES);
  const manyNames = memory.reserve(overflows * NAME_ROOM);
  const manyControls = memory.reserve(overflows * CONTROL_ROOM);
  const manyIovecs = memory.reserve(overflows * 2 * IOVEC_BYTES);
  const manyPointer = memory.pointer(many);
  const none = ffi.handle(0);
  for (let i = 0; i < overflows; i++) {
    const iovec = manyIovecs + i * 2 * IOVEC_BYTES;
    makeRoom(many + i * MMSGHDR_BYTES);
    setMessage(many + i * MMSGHDR_BYTES, manyNames + i * NAME_ROOM, manyControls + i * CONTROL_ROOM, iovec, 2);
    setIovec(iovec, wire.at[i]! + MESSAGE, LONGEST_IN_SLOT);
    setIovec(iovec + IOVEC_BYTES, overflow + i * SPILL_BYTES, SPILL_BYTES);
  }

  /** How much each slot takes of one message: the expected length of a datagram. */
  let expected = 0;
  expect(LONGEST_IN_SLOT);
  let singles = 0;
  /** Of many messages: how many there are, and which one is next. */
  let arrived = 0;
  let nextOne = 0;

  function setMessage(at: number, nameAt: number, controlAt: number, iovec: number, iovecCount: number): void {
    memory.setAddress(at, nameAt);
    memory.setAddress(at + MSG_IOV, iovec);
    u32[(at + MSG_IOV_COUNT) >>> 2] = iovecCount;
    memory.setAddress(at + MSG_CONTROL, controlAt);
  }

  function setIovec(at: number, target: number, length: number): void {
    memory.setAddress(at, target);
    u32[(at + 8) >>> 2] = length;
  }

  function makeRoom(at: number): void {
    u32[(at + MSG_NAME_LENGTH) >>> 2] = SOCKADDR_IN6_BYTES;
    u32[(at + MSG_CONTROL_LENGTH) >>> 2] = CONTROL_ROOM;
  }

  function expect(length: number): void {
    const next = Math.min(length, LONGEST_IN_SLOT);
    if (next === expected) return;
    expected = next;
    for (let slot = 0; slot < count; slot++) u32[(iovecs + slot * IOVEC_BYTES + 8) >>> 2] = next;
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

  function gatherOverflow(slot: number, length: number): void {
    const at = wire.at[slot]! + MESSAGE;
    const inSlot = Math.min(length, LONGEST_IN_SLOT);
    bytes.copyWithin(linear, at, at + inSlot);
    const rest = overflow + slot * SPILL_BYTES;
    bytes.copyWithin(linear + inSlot, rest, rest + length - inSlot);
  }

  function readMessage(at: number, nameAt: number, controlAt: number, length: number): void {
    readArrival(arena, nameAt, controlAt, u32[(at + MSG_CONTROL_LENGTH) >>> 2]!, arrival);
    const messageBytes = arrival.segmentBytes === 0 ? length : arrival.segmentBytes;
    received.ecn = arrival.ecn;
    received.truncated = (u32[(at + MSG_FLAGS) >>> 2]! & MSG_TRUNC) !== 0;
    received.messages = messageBytes === 0 ? 1 : Math.max(1, Math.ceil(length / messageBytes));
    received.messageBytes = messageBytes;
    received.lastBytes = length - (received.messages - 1) * messageBytes;
  }

  function receiveOne(fd: number): boolean {
    let length: number;
    do {
      makeRoom(message);
      length = libc.recvmsg(fd, pointer, 0);
    } while (length < 0 && ffi.errno() === EINTR);
    if (length < 0) return false;
    readMessage(message, name, control, length);
    const { messages, messageBytes } = received;
    received.firstSlot = 0;
    received.freeSlot = 0;
    received.inSlots = messages === 1 ? length <= expected : messageBytes === expected && messages <= count;
    singles = messages === 1 && length <= LONGEST_IN_SLOT ? singles + 1 : 0;
    if (!received.inSlots) {
      gather(length);
      // Small messages among large ones are not worth a change: one that is alone fits in any case.
      if (messages > 1 || messageBytes > expected) expect(messageBytes);
    }
    return true;
  }

  function receiveMany(fd: number): boolean {
    do {
      // The others have what they had: nothing came for them.
      for (let i = 0; i < arrived; i++) makeRoom(many + i * MMSGHDR_BYTES);
      arrived = libc.recvmmsg(fd, manyPointer, overflows, 0, none);
    } while (arrived < 0 && ffi.errno() === EINTR);
    nextOne = 0;
    return next();
  }

  function next(): boolean {
    if (nextOne >= arrived) return false;
    const slot = nextOne++;
    const at = many + slot * MMSGHDR_BYTES;
    const length = u32[(at + MSGHDR_BYTES) >>> 2]!;
    readMessage(at, manyNames + slot * NAME_ROOM, manyControls + slot * CONTROL_ROOM, length);
    received.firstSlot = slot;
    received.freeSlot = overflows;
    received.inSlots = received.messages === 1 && length <= LONGEST_IN_SLOT;
    if (received.inSlots) return true;
    singles = 0;
    gatherOverflow(slot, length);
    return true;
  }

  return {
    received,
    receive: (fd) => (overflows > 0 && singles >= SINGLES ? receiveMany(fd) : receiveOne(fd)),
    next,
  };
}
