/**
 * A worker's memory: one arena that never moves, whose addresses are computed once. What lies in it, from the bottom:
 *
 *   structs for system calls | slots | the plain slots (inbound) | a huge slot of each | spill | linear | overflows
 *
 * A slot holds one message: 48 bytes before it, of which the first 32 are for the one-time key of Poly1305, the 16 bytes of the
 * transport header, the packet, and room for padding, tag and the length block of Poly1305. The huge slot takes what no slot does.
 */
import type { Offload, OffloadKernel } from '../../../src/offload/kernel.ts';
import type { Arena, Slots } from '../../../src/offload/arena.ts';
import { SPILL_BYTES } from '../../../src/offload/split.ts';
import { createOffload as createFastestOffload } from '../../../src/offload/wasm-kernel.ts';
import type { Ffi, Handle } from '../ffi.ts';

/** From the start of a slot to the message, and to the packet in it. */
export const MESSAGE = 48;
export const PACKET = 64;
export const SLOT_BYTES = 2048;
/** What a packet may take of a slot: padding, tag and length block follow. */
export const SLOT_ROOM = 1904;
/** The longest message that a slot takes. */
export const LONGEST_IN_SLOT = 16 + SLOT_ROOM + 16;
/** What the length fields of IPv4 and UDP allow, and then some. */
const HUGE_BYTES = 67_584;
export const HUGE_ROOM = 65_536;

/** Structs of system calls lie below this. */
const STRUCTS = 0x1000;
const SLOTS_AT = 0x10000;

/** A row of slots, with what calls take for them. The last one is the huge slot. */
export interface SlotRow {
  readonly slots: Slots;
  readonly huge: Slots;
  /** Number of the huge slot: the count of the others. */
  readonly hugeIndex: number;
  /** Where slot `index` begins. */
  readonly at: Int32Array;
  /** Pointers to the start of each slot, and to its packet. */
  readonly start: readonly Handle[];
  readonly packet: readonly Handle[];
}

export interface PacketMemory {
  readonly arena: Arena;
  readonly kernel: OffloadKernel;
  /** Address of the arena's first byte. */
  readonly base: number;
  /** Messages as they are on the wire; outbound seals them in place. */
  readonly wire: SlotRow;
  /** What inbound has opened; the same as `wire` for outbound. */
  readonly plain: SlotRow;
  /** SPILL_BYTES. */
  readonly spill: number;
  /** Twice SPILL_BYTES. */
  readonly linear: number;
  /** What does not fit into each of the first `overflows` slots: SPILL_BYTES for each, which cost nothing until they are used. */
  readonly overflow: number;
  readonly overflows: number;
  /** Takes `bytes` for a struct, in multiples of 16. */
  reserve(bytes: number): number;
  pointer(offset: number): Handle;
  /** Pointers to `count` places, one every `stride` bytes, that cost nothing to pass on. */
  pointers(offset: number, stride: number, count: number): readonly Handle[];
  setAddress(offset: number, target: number): void;
}

export interface PacketMemoryOptions {
  plain: boolean;
  overflows?: number;
  /** Default: with the fastest kernel, which takes a millisecond or two to make. */
  createOffload?: (bytes: number) => Offload;
}

export function createPacketMemory(
  ffi: Ffi,
  count: number,
  { plain, overflows = 0, createOffload = createFastestOffload }: PacketMemoryOptions,
): PacketMemory {
  const rowBytes = count * SLOT_BYTES + HUGE_BYTES;
  const rows = plain ? 2 : 1;
  const spill = SLOTS_AT + rows * rowBytes;
  const linear = spill + SPILL_BYTES;
  const overflow = linear + 2 * SPILL_BYTES;
  const { arena, kernel } = createOffload(overflow + overflows * SPILL_BYTES);
  const base = ffi.address(arena.bytes);
  const pointer = (offset: number): Handle => ffi.handle(base + offset);
  const wire = createRow(SLOTS_AT, count, pointer);
  let free = STRUCTS;
  return {
    arena,
    kernel,
    base,
    wire,
    plain: plain ? createRow(SLOTS_AT + rowBytes, count, pointer) : wire,
    spill,
    linear,
    overflow,
    overflows,
    pointer,
    pointers: (offset, stride, count) =>
      keepHandles(Array.from({ length: count }, (_, i) => pointer(offset + i * stride))),
    reserve(bytes) {
      const at = free;
      free += (bytes + 15) & ~15;
      if (free > SLOTS_AT) throw new RangeError('no room for another struct');
      return at;
    },
    setAddress(offset, target) {
      const address = base + target;
      arena.u32[offset >>> 2] = address;
      arena.u32[(offset >>> 2) + 1] = address / 0x1_0000_0000;
    },
  };
}

function createRow(from: number, count: number, pointer: (offset: number) => Handle): SlotRow {
  const at = Int32Array.from({ length: count + 1 }, (_, index) => from + index * SLOT_BYTES);
  const hugeAt = at[count]!;
  return {
    slots: { packet: from + PACKET, stride: SLOT_BYTES, room: SLOT_ROOM, count },
    huge: { packet: hugeAt + PACKET, stride: HUGE_BYTES, room: HUGE_ROOM, count: 1 },
    hugeIndex: count,
    at,
    start: keepHandles(Array.from(at, (offset) => pointer(offset))),
    packet: keepHandles(Array.from(at, (offset) => pointer(offset + PACKET))),
  };
}

/**
 * V8 keeps an array of nothing but large numbers as bare doubles, and makes a new object of one each time it is passed to a
 * function. Arrays that have held something else keep the objects.
 */
function keepHandles(handles: readonly Handle[]): Handle[] {
  const kept = [undefined, ...handles];
  kept.shift();
  return kept;
}
