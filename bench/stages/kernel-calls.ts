/**
 * The limits of the stages that are system calls: the same call with everything prepared, and none of our code around it.
 * Layouts: sendmsg(2), recvmsg(2), udp(7).
 */
import { IOVEC_BYTES, writeIovecs } from '../../src/offload/iovec.ts';
import type { Handle } from '../../runtime/linux/ffi.ts';
import { SOL_UDP, UDP_SEGMENT } from '../../runtime/linux/fast/fast-libc.ts';
import type { PacketMemory } from '../../runtime/linux/fast/packet-memory.ts';
import { AF_INET, MSGHDR_BYTES } from '../../runtime/linux/socket-message.ts';

const NAME_BYTES = 16;
const CONTROL_ROOM = 192;
/** A control message of two bytes, as CMSG_SPACE counts. */
const SEGMENT_CONTROL_BYTES = 24;

export interface MessageParts {
  /** Pairs of offset and length in the memory. */
  entries: Int32Array;
  /** Where it goes; without, it is one to receive with. */
  to?: { address: readonly [number, number, number, number]; port: number };
  /** UDP_SEGMENT; none for a message to receive with. */
  segmentBytes?: number;
}

/** A struct msghdr with all that it points to. */
export function prepareMessage(memory: PacketMemory, { entries, to, segmentBytes }: MessageParts): Handle {
  const { arena } = memory;
  const message = memory.reserve(MSGHDR_BYTES);
  const name = memory.reserve(NAME_BYTES);
  const control = memory.reserve(CONTROL_ROOM);
  const count = entries.length / 2;
  memory.setAddress(message, name);
  arena.u32[(message + 8) >>> 2] = NAME_BYTES;
  memory.setAddress(message + 16, prepareIovecs(memory, entries));
  arena.u32[(message + 24) >>> 2] = count;
  memory.setAddress(message + 32, control);
  arena.u32[(message + 40) >>> 2] = segmentBytes === undefined ? CONTROL_ROOM : SEGMENT_CONTROL_BYTES;
  if (to !== undefined) {
    arena.view.setUint16(name, AF_INET, true);
    arena.view.setUint16(name + 2, to.port);
    arena.bytes.set(to.address, name + 4);
  }
  if (segmentBytes !== undefined) {
    arena.view.setUint32(control, 18, true);
    arena.view.setInt32(control + 8, SOL_UDP, true);
    arena.view.setInt32(control + 12, UDP_SEGMENT, true);
    arena.view.setUint16(control + 16, segmentBytes, true);
  }
  return memory.pointer(message);
}

/** Where the iovecs of these entries lie. */
export function prepareIovecs(memory: PacketMemory, entries: Int32Array): number {
  const count = entries.length / 2;
  const at = memory.reserve(count * IOVEC_BYTES);
  writeIovecs(memory.arena, entries, 0, count, at, memory.base);
  return at;
}
