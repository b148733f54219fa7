/**
 * The inner loops of offload, behind a port: javascript-kernel.ts works on any arena, wasm-kernel.ts is the same in SIMD
 * WebAssembly on the worker's own memory. test/conformance/offload-kernel.ts is run on both.
 *
 * The caller has checked what it asks for: offsets are multiples of 4 (but for `sum`), and lengths end inside the arena.
 */
import type { Arena } from './arena.ts';

/** Flags of `finishSegments`: which end of the large packet the group holds. */
export const HOLDS_FIRST = 1;
export const HOLDS_LAST = 2;

export interface OffloadKernel {
  readonly name: string;

  /** Ones' complement sum of the bytes, folded to 16 bits; an odd byte at the end is followed by a zero. */
  sum(offset: number, length: number): number;

  /**
   * True when the checksums of a packet are right: the IPv4 header's, and the one of TCP or UDP. `length` is the
   * length of the whole packet; a UDP checksum of 0 is wrong here, as it says nothing.
   */
  intact(packet: number, length: number, ipHeaderBytes: number, protocol: number): boolean;

  /**
   * How many packets, one every `stride` bytes (a multiple of 16) from `packet` on and at most `count`, continue the run that
   * the packet at `first` begins: the first of them as its number `number`. Each has the same headers but for what segmentation counts on
   * and the checksums, a payload of `segmentBytes`, and checksums that are right.
   */
  countFollowing(
    first: number,
    number: number,
    packet: number,
    stride: number,
    count: number,
    headerBytes: number,
    ipHeaderBytes: number,
    segmentBytes: number,
    protocol: number,
  ): number;

  /**
   * Makes `count` packets out of the headers at `packet` and the payloads that already lie `headerBytes` behind the
   * start of each slot: copies the headers, and sets the lengths, the IPv4 identification and checksum, the TCP
   * sequence number and flags, the UDP length, and the transport checksum. Every payload has `segmentBytes`, but the
   * last of them, which has `lastBytes`. `protocol` is 6 or 17, `ends` says whether FIN and PSH (HOLDS_LAST) and CWR
   * (HOLDS_FIRST) may stay in this group.
   */
  finishSegments(
    packet: number,
    stride: number,
    count: number,
    headerBytes: number,
    ipHeaderBytes: number,
    segmentBytes: number,
    lastBytes: number,
    protocol: number,
    ends: number,
  ): void;
}

/** An arena and the kernel that works on it. */
export interface Offload {
  readonly arena: Arena;
  readonly kernel: OffloadKernel;
}
