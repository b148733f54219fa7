/** What is measured, and the limit of each: what the same work costs with none of our code around it. */
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { LONGEST_IN_SLOT, MESSAGE, PACKET } from '../../runtime/linux/fast/packet-memory.ts';
import { SPILL_BYTES } from '../../src/offload/split.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../src/offload/virtio-net-header.ts';
import { prepareIovecs, prepareMessage } from './kernel-calls.ts';
import { openPath } from './path.ts';
import { BATCH, HEADER_BYTES, MESSAGE_BYTES, PACKET_BYTES } from './sizes.ts';

export interface Measured {
  /** Not timed: makes `batches` batches ready. */
  prepare?: (batches: number) => void;
  /** One batch. */
  run: () => void;
}

export interface Stage {
  readonly name: string;
  readonly ours: Measured;
  /** Undefined where the limit is another program's: openssl speed. */
  readonly limit?: Measured;
}

const NOTHING_READY = -1;
const TAG_WORDS = 4;

export function createStages(ffi: Ffi): Stage[] {
  const path = openPath(ffi);
  const { libc, tun, outbound, inbound, listening, deaf } = path;
  const { memcpy } = ffi.load('libc.so.6', { memcpy: ['v', 'ppz'] });
  const batchBytes = ffi.size(BATCH * PACKET_BYTES);
  const times = (work: () => void) => (batches: number) => {
    for (let i = 0; i < batches; i++) work();
  };

  const { slots } = outbound.wire;
  const headAt = slots.packet - VIRTIO_NET_HEADER_BYTES;
  const head = new Uint8Array(VIRTIO_NET_HEADER_BYTES + HEADER_BYTES);
  const plainAt = inbound.plain.slots.packet;
  const plainHead = new Uint8Array(HEADER_BYTES);
  const tags = new Uint32Array(BATCH * TAG_WORDS);

  /** Brings a batch into the slots of inbound, and keeps what stages change, so that each can be repeated. */
  function arrive(): void {
    path.aim(listening);
    path.feed();
    path.read();
    head.set(outbound.arena.bytes.subarray(headAt, headAt + head.length));
    path.split();
    path.seal();
    path.send();
    path.receive();
    for (let i = 0; i < tags.length; i++) tags[i] = inbound.arena.u32[tagWord(i)]!;
  }

  function arriveOpened(): void {
    arrive();
    path.open();
    plainHead.set(inbound.arena.bytes.subarray(plainAt, plainAt + HEADER_BYTES));
  }

  function tagWord(i: number): number {
    const slot = Math.floor(i / TAG_WORDS);
    return ((inbound.wire.at[slot]! + MESSAGE + MESSAGE_BYTES) >>> 2) - TAG_WORDS + (i % TAG_WORDS);
  }

  const sendEntries = entriesOf(BATCH, (i) => [outbound.wire.at[i]! + MESSAGE, MESSAGE_BYTES]);
  const bareSend = prepareMessage(outbound, { entries: sendEntries, to: deaf, segmentBytes: MESSAGE_BYTES });
  const bareFill = prepareMessage(outbound, { entries: sendEntries, to: listening, segmentBytes: MESSAGE_BYTES });
  const receiveEntries = entriesOf(65, (i) =>
    i < 64 ? [inbound.wire.at[i]! + MESSAGE, Math.min(MESSAGE_BYTES, LONGEST_IN_SLOT)] : [inbound.spill, SPILL_BYTES],
  );
  const bareReceive = prepareMessage(inbound, { entries: receiveEntries });
  const scatter = path.reader.scatter.entries;
  const bareRead = outbound.pointer(prepareIovecs(outbound, scatter));
  const readCount = scatter.length / 2;

  const copy = (memory: typeof outbound, from: number): Measured => {
    const source = memory.pointer(from);
    const target = memory.pointer(memory.linear);
    return { run: () => void memcpy(target, source, batchBytes) };
  };
  const must = (result: number): void => {
    if (result <= NOTHING_READY) throw new Error(`a bare system call failed: errno ${ffi.errno()}`);
  };
  const fill = times(() => must(libc.sendmsg(listening.fd, bareFill, 0)));
  const feed = times(path.feed);

  return [
    {
      name: 'TUN read',
      ours: { prepare: feed, run: path.read },
      limit: { prepare: feed, run: () => must(libc.readv(tun, bareRead, readCount)) },
    },
    {
      name: 'split',
      ours: {
        prepare: arrive,
        run() {
          outbound.arena.bytes.set(head, headAt);
          path.split();
        },
      },
      limit: copy(outbound, slots.packet),
    },
    { name: 'seal', ours: { prepare: arrive, run: path.seal } },
    {
      name: 'send',
      ours: { prepare: () => path.aim(deaf), run: path.send },
      limit: { run: () => must(libc.sendmsg(listening.fd, bareSend, 0)) },
    },
    {
      name: 'receive',
      ours: { prepare: fill, run: path.receive },
      limit: { prepare: fill, run: () => must(libc.recvmsg(listening.fd, bareReceive, 0)) },
    },
    {
      name: 'open',
      ours: {
        prepare: arrive,
        run() {
          const { u32 } = inbound.arena;
          for (let i = 0; i < tags.length; i++) u32[tagWord(i)] = tags[i]!;
          path.open();
        },
      },
    },
    {
      name: 'checksum',
      ours: {
        prepare: arriveOpened,
        run() {
          for (let i = 0; i < BATCH; i++) inbound.kernel.sum(inbound.plain.at[i]! + PACKET, PACKET_BYTES);
        },
      },
      limit: copy(inbound, plainAt),
    },
    {
      name: 'coalesce',
      ours: {
        prepare: arriveOpened,
        run() {
          inbound.arena.bytes.set(plainHead, plainAt);
          path.coalesce();
        },
      },
      limit: copy(inbound, plainAt),
    },
    {
      name: 'TUN write',
      ours: { run: path.write },
      limit: { run: () => must(libc.writev(tun, path.written.pointer, path.written.entries)) },
    },
  ];
}

function entriesOf(count: number, entry: (index: number) => readonly [number, number]): Int32Array {
  return Int32Array.from(Array.from({ length: count }, (_, index) => entry(index)).flat());
}
