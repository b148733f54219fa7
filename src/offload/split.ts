/**
 * Segmentation: one large packet of the TUN becomes packets of the tunnel's MTU, each in its slot.
 *
 * 1. `predictScatter` says where a scattering read should put the next large packet, taken that it has the headers and
 *    the segment size of the last one: headers and first payload in slot 0, each further payload in its slot, where its
 *    headers will stand before it, and what is too much behind a spill offset.
 * 2. gso.ts plans the segments of what was read.
 * 3. The guess was right (`fitsScatter`): `finishScattered` writes the headers, and not a byte of payload is copied.
 * 4. It was wrong: `gatherScattered` puts the packet together in linear memory, `dealSegments` deals it out to the slots,
 *    as many at a time as there are; `predictScatter` learns.
 */
import { checkSlots, type Arena, type Slots } from './arena.ts';
import { TCP } from './checksum.ts';
import type { GsoPlan } from './gso.ts';
import { HOLDS_FIRST, HOLDS_LAST, type OffloadKernel } from './kernel.ts';
import { VIRTIO_NET_HEADER_BYTES } from './virtio-net-header.ts';

/** The longest headers that are repeated: IPv4 and TCP with all their options. */
const LONGEST_HEADERS = 120;
/** What follows the last slot: the rest of the largest packet, or of one that is nothing like the last. */
export const SPILL_BYTES = 65_536;

/** Where a scattering read puts a packet. Lengths in bytes. */
export interface Scatter {
  readonly slots: Slots;
  /** A place for SPILL_BYTES outside the slots. */
  readonly spill: number;
  headerBytes: number;
  segmentBytes: number;
  /** Pairs of offset and length, for the iovecs of readv(2): one per slot, and the spill. */
  readonly entries: Int32Array;
}

/** Begins with the headers of TCP with timestamps over IPv4. Throws RangeError when the slots or the spill do not fit. */
export function createScatter(arena: Arena, slots: Slots, spill: number): Scatter {
  checkSlots(arena, slots);
  if (spill + SPILL_BYTES > arena.bytes.length) throw new RangeError('the spill ends outside the arena');
  const entries = new Int32Array(2 * (slots.count + 1));
  const scatter: Scatter = { slots, spill, headerBytes: 0, segmentBytes: 0, entries };
  predictScatter(scatter, 52, slots.room - 52);
  return scatter;
}

/** Expects large packets like this one from now on. False when nothing had to change, so that no iovec has. */
export function predictScatter(scatter: Scatter, headerBytes: number, segmentBytes: number): boolean {
  const { slots, entries } = scatter;
  if (headerBytes === scatter.headerBytes && segmentBytes === scatter.segmentBytes) return false;
  // gso.ts wants the headers of any packet in one piece.
  if (headerBytes + segmentBytes < LONGEST_HEADERS || headerBytes + segmentBytes > slots.room) return false;
  scatter.headerBytes = headerBytes;
  scatter.segmentBytes = segmentBytes;
  entries[0] = slots.packet - VIRTIO_NET_HEADER_BYTES;
  entries[1] = VIRTIO_NET_HEADER_BYTES + headerBytes + segmentBytes;
  for (let slot = 1; slot < slots.count; slot++) {
    entries[2 * slot] = slots.packet + slot * slots.stride + headerBytes;
    entries[2 * slot + 1] = segmentBytes;
  }
  entries[2 * slots.count] = scatter.spill;
  entries[2 * slots.count + 1] = SPILL_BYTES;
  return true;
}

/** How much of a packet of `length` bytes lies in one piece at the start of slot 0. */
export function contiguousBytes(scatter: Scatter, length: number): number {
  return Math.min(length, scatter.headerBytes + scatter.segmentBytes);
}

/** True when the planned segments lie where they belong already. */
export function fitsScatter(scatter: Scatter, plan: GsoPlan): boolean {
  const { headerBytes, segmentBytes, slots } = scatter;
  if (plan.count === 1) return plan.headerBytes + plan.lastBytes <= headerBytes + segmentBytes;
  return plan.headerBytes === headerBytes && plan.segmentBytes === segmentBytes && plan.count <= slots.count;
}

/** Length of the packet in slot `slot` of a group whose first segment is number `first`. */
export function segmentLength(plan: GsoPlan, first: number, slot: number): number {
  return plan.headerBytes + (first + slot === plan.count - 1 ? plan.lastBytes : plan.segmentBytes);
}

/** Writes the headers of all segments, when they fit. */
export function finishScattered(kernel: OffloadKernel, plan: GsoPlan, { packet, stride }: Slots): void {
  const { count, headerBytes, ipHeaderBytes, segmentBytes, lastBytes, protocol } = plan;
  const ends = HOLDS_FIRST | HOLDS_LAST;
  kernel.finishSegments(packet, stride, count, headerBytes, ipHeaderBytes, segmentBytes, lastBytes, protocol, ends);
}

/** Copies a packet of `length` bytes that was read into the scatter to `linear`, where there is room for it. */
export function gatherScattered({ bytes }: Arena, scatter: Scatter, length: number, linear: number): void {
  const { entries } = scatter;
  let from = scatter.slots.packet;
  let room = entries[1]! - VIRTIO_NET_HEADER_BYTES;
  let done = 0;
  for (let entry = 2; ; entry += 2) {
    const part = Math.min(room, length - done);
    bytes.copyWithin(linear + done, from, from + part);
    done += part;
    if (done === length || entry === entries.length) return;
    from = entries[entry]!;
    room = entries[entry + 1]!;
  }
}

/**
 * Makes packets of the segments from number `first` on, as many as there are slots. `linear`: where the whole packet lies,
 * outside the slots. Returns how many slots are filled.
 */
export function dealSegments(
  arena: Arena,
  kernel: OffloadKernel,
  plan: GsoPlan,
  linear: number,
  first: number,
  slots: Slots,
): number {
  const { bytes, view } = arena;
  const { headerBytes, ipHeaderBytes, segmentBytes, protocol } = plan;
  const { packet, stride } = slots;
  const count = Math.min(slots.count, plan.count - first);
  const last = first + count === plan.count;
  const lastBytes = last ? plan.lastBytes : segmentBytes;

  bytes.copyWithin(packet, linear, linear + headerBytes);
  // finishSegments counts on from the headers that it finds.
  if (bytes[packet]! >>> 4 === 4) view.setUint16(packet + 4, view.getUint16(linear + 4) + first);
  if (protocol === TCP) {
    const sequenceAt = ipHeaderBytes + 4;
    view.setUint32(packet + sequenceAt, view.getUint32(linear + sequenceAt) + first * segmentBytes);
  }
  for (let slot = 0; slot < count; slot++) {
    const from = linear + headerBytes + (first + slot) * segmentBytes;
    const length = slot === count - 1 ? lastBytes : segmentBytes;
    bytes.copyWithin(packet + slot * stride + headerBytes, from, from + length);
  }
  const ends = (first === 0 ? HOLDS_FIRST : 0) | (last ? HOLDS_LAST : 0);
  kernel.finishSegments(packet, stride, count, headerBytes, ipHeaderBytes, segmentBytes, lastBytes, protocol, ends);
  return count;
}
