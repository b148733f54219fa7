/**
 * Reads packets from a TUN with virtio headers into the wire slots. The first read of a batch is scattered as the next large
 * packet is expected to be cut (offload/split.ts); further reads take small packets, one slot each, as long as there are any.
 */
import { writeIovecs, IOVEC_BYTES } from '../../../src/offload/iovec.ts';
import { createScatter, predictScatter, type Scatter, SPILL_BYTES } from '../../../src/offload/split.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../../src/offload/virtio-net-header.ts';
import type { Ffi } from '../ffi.ts';
import { EBADFD, EINTR } from '../libc.ts';
import type { FastLibc } from './fast-libc.ts';
import { type PacketMemory, SLOT_ROOM } from './packet-memory.ts';

export interface TunReader {
  readonly scatter: Scatter;
  /** Length of the packet read into the scatter without its virtio header, or -1. */
  readScattered(fd: number): number;
  /** Length of the packet read into slot `index` and, where that is full, the spill; or -1. */
  readInto(fd: number, index: number): number;
  /** The next large packets will be cut like this. */
  expect(headerBytes: number, segmentBytes: number): void;
  /** Puts a packet that was read into slot `index` and the spill together in linear memory. */
  gather(index: number, length: number): void;
  /** The interface was deleted. */
  readonly isGone: boolean;
}

export function createTunReader(ffi: Ffi, libc: FastLibc, memory: PacketMemory): TunReader {
  const { arena, wire, spill, linear, base } = memory;
  const { slots } = wire;
  const scatter = createScatter(arena, slots, spill);
  const entries = slots.count + 1;
  const scatterIovecs = memory.reserve(entries * IOVEC_BYTES);
  const slotIovecs = memory.reserve(2 * slots.count * IOVEC_BYTES);
  writeIovecs(arena, scatter.entries, 0, entries, scatterIovecs, base);
  const pairs = new Int32Array(4 * slots.count);
  for (let slot = 0; slot < slots.count; slot++) {
    const packet = slots.packet + slot * slots.stride;
    pairs.set([packet - VIRTIO_NET_HEADER_BYTES, VIRTIO_NET_HEADER_BYTES + SLOT_ROOM, spill, SPILL_BYTES], 4 * slot);
  }
  writeIovecs(arena, pairs, 0, 2 * slots.count, slotIovecs, base);
  const scatterPointer = memory.pointer(scatterIovecs);
  const slotPointers = memory.pointers(slotIovecs, 2 * IOVEC_BYTES, slots.count);
  let gone = false;

  function read(fd: number, iovecs: unknown, count: number): number {
    for (;;) {
      const length = libc.readv(fd, iovecs, count);
      if (length >= 0) return length - VIRTIO_NET_HEADER_BYTES;
      const errno = ffi.errno();
      if (errno === EINTR) continue;
      if (errno === EBADFD) gone = true;
      return -1;
    }
  }

  return {
    scatter,
    readScattered: (fd) => read(fd, scatterPointer, entries),
    readInto: (fd, index) => read(fd, slotPointers[index], 2),
    expect(headerBytes, segmentBytes) {
      if (predictScatter(scatter, headerBytes, segmentBytes))
        writeIovecs(arena, scatter.entries, 0, entries, scatterIovecs, base);
    },
    gather(index, length) {
      const packet = slots.packet + index * slots.stride;
      const inSlot = Math.min(length, SLOT_ROOM);
      arena.bytes.copyWithin(linear, packet, packet + inSlot);
      if (length > inSlot) arena.bytes.copyWithin(linear + inSlot, spill, spill + length - inSlot);
    },
    get isGone() {
      return gone;
    },
  };
}
