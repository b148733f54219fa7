/**
 * Coalescing: a batch of packets, each in its slot, becomes few large writes to the TUN.
 *
 * 1. `add` notes the packets in their order, and `finish` takes them. One that continues a run (run.ts: same flow, same
 *    headers, next in sequence, checksums right) is appended to it; any other closes the run of its flow first, so that a
 *    flow is never reordered.
 * 2. Once a packet is in a run, the kernel says how many of those behind it follow: for bulk traffic that is all of them.
 * 3. Several runs are open at a time, one per flow; what belongs to no flow (fragments, extension headers, other
 *    protocols) closes them all, since it may belong to any.
 * 4. In the end the rest is closed. The plan then says what to write: the first packet of each write with the virtio header
 *    before it, and of the others the payloads, where they lie.
 */
import type { Arena } from './arena.ts';
import { UDP } from './checksum.ts';
import { ALONE, APART, classify, createFacts, MALFORMED, type Facts } from './classify.ts';
import type { OffloadKernel } from './kernel.ts';
import {
  continuesRun,
  createRun,
  extendRun,
  finishHeaders,
  isSameFlow,
  lastPayload,
  repeatRun,
  roomInRun,
  type Run,
  startRun,
} from './run.ts';
import { clearVirtioNetHeader, VIRTIO_NET_HEADER_BYTES } from './virtio-net-header.ts';

/** How many flows are merged at a time. With more of them in one batch, they take turns in being written early. */
const OPEN_RUNS = 8;
/** IOV_MAX: a write has at most one entry per packet of the batch. */
const MOST_PACKETS = 1024;
/** Packets that are a multiple of this apart are taken many at once: see countFollowing. */
const STRIDE_UNIT = 16;

/** What to write to the TUN, in this order. */
export interface WritePlan {
  /** Pairs of offset and length, for the iovecs of writev(2). */
  readonly entries: Int32Array;
  /** `ends[i]`: number of the entry behind the last one of write `i`; the next write begins there. */
  readonly ends: Int32Array;
  /** How many writes there are. */
  writes: number;
}

/** A plan for batches of up to `packets` packets. */
export function createWritePlan(packets: number): WritePlan {
  return { entries: new Int32Array(2 * packets), ends: new Int32Array(packets), writes: 0 };
}

export interface CoalescerOptions {
  arena: Arena;
  kernel: OffloadKernel;
  plan: WritePlan;
  /** Whether the TUN takes UDP_L4 (TUN_F_USO4 and 6, Linux 6.2). */
  udp: boolean;
}

export class Coalescer {
  readonly #arena: Arena;
  readonly #kernel: OffloadKernel;
  readonly #plan: WritePlan;
  readonly #udp: boolean;
  readonly #facts: Facts = createFacts();
  readonly #runs: readonly Run[] = Array.from({ length: OPEN_RUNS }, createRun);
  /** Where each packet of the batch is, and how many bytes are there. */
  readonly #packets: Int32Array;
  readonly #rooms: Int32Array;
  /** Of each packet of the batch that is in a run, the one that follows it there. */
  readonly #next: Int32Array;
  #items = 0;
  /** Up to here each packet is as long as the one before, and the same way behind it. */
  #regularEnd = 0;
  #entries = 0;
  #evicted = 0;
  #refused = 0;

  constructor({ arena, kernel, plan, udp }: CoalescerOptions) {
    const packets = plan.ends.length;
    if (packets > MOST_PACKETS || plan.entries.length !== 2 * packets) {
      throw new RangeError(`a write plan is for at most ${MOST_PACKETS} packets, with two numbers for each`);
    }
    this.#arena = arena;
    this.#kernel = kernel;
    this.#plan = plan;
    this.#udp = udp;
    this.#packets = new Int32Array(packets);
    this.#rooms = new Int32Array(packets);
    this.#next = new Int32Array(packets);
  }

  /** Begins a new batch: the plan is empty, and what was added and not finished is forgotten. */
  begin(): void {
    this.#items = 0;
    this.#regularEnd = 0;
    this.#entries = 0;
    this.#refused = 0;
    this.#plan.writes = 0;
  }

  /**
   * Adds the packet at `packet`, a multiple of 4 with VIRTIO_NET_HEADER_BYTES before it that may be overwritten, of at
   * most `length` bytes: padding behind it is cut. It stays where it is until the plan is written. RangeError when the
   * batch has as many packets as the plan.
   */
  add(packet: number, length: number): void {
    if (this.#items === this.#packets.length) throw new RangeError('the batch is full');
    this.#packets[this.#items] = packet;
    this.#rooms[this.#items] = length;
    this.#items++;
  }

  /** Ends the batch. Returns how many writes the plan has. */
  finish(): number {
    for (let item = 0; item < this.#items;) item += this.#take(item);
    this.#closeAll();
    return this.#plan.writes;
  }

  /** How many packets of the batch are no IP packets or shorter than they say: they are in no write. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes a packet, and those behind it that follow it in its run. Returns how many. */
  #take(item: number): number {
    const facts = this.#facts;
    const arena = this.#arena;
    const packet = this.#packets[item]!;
    classify(arena, packet, this.#rooms[item]!, facts);
    if (facts.kind === MALFORMED) {
      this.#refused++;
      return 1;
    }
    if (facts.kind === APART) {
      this.#closeAll();
      this.#writeAlone(packet, facts.length);
      return 1;
    }
    const run = this.#findRun(packet, facts);
    if (facts.kind === ALONE || (facts.protocol === UDP && !this.#udp)) {
      if (run) this.#close(run);
      this.#writeAlone(packet, facts.length);
      return 1;
    }
    if (run) {
      if (continuesRun(arena, run, packet, facts) && this.#areIntact(run, packet, facts)) {
        this.#next[run.lastItem] = item;
        if (extendRun(arena, run, packet, facts, item)) return 1 + this.#takeFollowing(run, item);
        this.#close(run);
        return 1;
      }
      this.#close(run);
    }
    if (facts.closes) {
      this.#writeAlone(packet, facts.length);
      return 1;
    }
    const started = run ?? this.#freeRun();
    startRun(started, packet, facts, item);
    return 1 + this.#takeFollowing(started, item);
  }

  /** Appends the packets behind `item`, the last one of the run, that are like it in all but what counts on. Returns how many. */
  #takeFollowing(run: Run, item: number): number {
    const count = Math.min(this.#endOfRegular(item) - item - 1, roomInRun(run));
    const packetBytes = run.headerBytes + run.segmentBytes;
    if (count <= 0 || this.#rooms[item + 1]! < packetBytes || !this.#isFirstIntact(run)) return 0;
    const { headerBytes, ipHeaderBytes, segmentBytes, protocol } = run;
    const next = this.#packets[item + 1]!;
    const stride = next - this.#packets[item]!;
    if (stride % STRIDE_UNIT !== 0) return 0;
    const following = this.#kernel.countFollowing(
      run.packet,
      run.count,
      next,
      stride,
      count,
      headerBytes,
      ipHeaderBytes,
      segmentBytes,
      protocol,
    );
    const last = item + following;
    const chain = this.#next;
    for (let taken = item; taken < last; taken++) chain[taken] = taken + 1;
    repeatRun(run, following, last);
    return following;
  }

  /** Number of the first packet behind `item` that lies elsewhere or has another length than the ones before it. */
  #endOfRegular(item: number): number {
    if (item + 1 < this.#regularEnd) return this.#regularEnd;
    const packets = this.#packets;
    const stride = packets[item + 1]! - packets[item]!;
    const rooms = this.#rooms;
    const room = rooms[item];
    const items = this.#items;
    let end = item + 1;
    for (let packet = packets[item]! + stride; end < items && packets[end] === packet && rooms[end] === room; end++)
      packet += stride;
    this.#regularEnd = end;
    return end;
  }

  #findRun(packet: number, facts: Facts): Run | undefined {
    for (const run of this.#runs) if (run.open && isSameFlow(this.#arena, run, packet, facts)) return run;
    return undefined;
  }

  #freeRun(): Run {
    for (const run of this.#runs) if (!run.open) return run;
    const evicted = this.#runs[this.#evicted++ % OPEN_RUNS]!;
    this.#close(evicted);
    return evicted;
  }

  /** A merged packet gets a checksum of ours: one that came with a wrong one must not be in it. */
  #areIntact(run: Run, packet: number, facts: Facts): boolean {
    const { protocol, ipHeaderBytes } = facts;
    return this.#isFirstIntact(run) && this.#kernel.intact(packet, facts.length, ipHeaderBytes, protocol);
  }

  #isFirstIntact(run: Run): boolean {
    // Before the second packet the run's length is that of its first.
    run.verified ||= this.#kernel.intact(run.packet, run.length, run.ipHeaderBytes, run.protocol);
    return run.verified;
  }

  #closeAll(): void {
    for (const run of this.#runs) if (run.open) this.#close(run);
  }

  #close(run: Run): void {
    run.open = false;
    finishHeaders(this.#arena, run);
    const { packet, headerBytes, segmentBytes, lastItem } = run;
    this.#push(packet - VIRTIO_NET_HEADER_BYTES, VIRTIO_NET_HEADER_BYTES + headerBytes + segmentBytes);
    const { entries } = this.#plan;
    const packets = this.#packets;
    const chain = this.#next;
    let at = 2 * this.#entries;
    for (let item = run.firstItem; item !== lastItem;) {
      item = chain[item]!;
      entries[at++] = packets[item]! + headerBytes;
      entries[at++] = segmentBytes;
    }
    if (run.count > 1) entries[at - 1] = lastPayload(run);
    this.#entries = at / 2;
    this.#endWrite();
  }

  #writeAlone(packet: number, length: number): void {
    clearVirtioNetHeader(this.#arena, packet - VIRTIO_NET_HEADER_BYTES);
    this.#push(packet - VIRTIO_NET_HEADER_BYTES, VIRTIO_NET_HEADER_BYTES + length);
    this.#endWrite();
  }

  #push(offset: number, length: number): void {
    const { entries } = this.#plan;
    entries[2 * this.#entries] = offset;
    entries[2 * this.#entries + 1] = length;
    this.#entries++;
  }

  #endWrite(): void {
    this.#plan.ends[this.#plan.writes++] = this.#entries;
  }
}
