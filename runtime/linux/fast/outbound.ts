/**
 * An outbound worker: TUN -> split -> seal -> UDP.
 *
 *   1. Read: a large packet, or as many small ones as there are slots.
 *   2. Look up the peer of its destination, and whether the worker may send to it. If not, the control thread gets the packets:
 *      it knows what to do without a keypair, an endpoint or a route.
 *   3. Cut, complete checksums, pad, seal in place.
 *   4. Send runs: messages for one peer, with the same ECN bits, all of one size but the last.
 */
import { readEcn } from '../../../src/device/ecn.ts';
import { packetFamily } from '../../../src/device/inner-packet.ts';
import type { IpFamily } from '../../../src/ip.ts';
import { writeTransportHeader } from '../../../src/noise/messages.ts';
import { clearBytes } from '../../../src/offload/arena.ts';
import { completeChecksum, createGsoPlan, planSegments } from '../../../src/offload/gso.ts';
import {
  contiguousBytes,
  dealSegments,
  finishScattered,
  fitsScatter,
  gatherScattered,
  segmentLength,
} from '../../../src/offload/split.ts';
import {
  createVirtioNetHeader,
  decodeVirtioNetHeader,
  GSO_NONE,
  VIRTIO_NET_HEADER_BYTES,
} from '../../../src/offload/virtio-net-header.ts';
import { findSendable, type Turn } from '../../../src/plane/find-sendable.ts';
import { MTU, TUN_FD, UDP4_FD, UDP6_FD } from '../../../src/plane/plane-memory.ts';
import { GONE_RECORD, PACKET_RECORD, SOURCE_LOST_RECORD } from '../../../src/plane/records.ts';
import { SendTable } from '../../../src/plane/send-table.ts';
import { paddedLength } from '../../../src/transport/transport-data.ts';
import type { Ffi, Handle } from '../ffi.ts';
import { createPacketMemory, HUGE_ROOM, MESSAGE, PACKET, SLOT_BYTES, SLOT_ROOM } from './packet-memory.ts';
import { createSlotCipher } from './slot-cipher.ts';
import { createTunReader } from './tun-reader.ts';
import { createUdpSender } from './udp-sender.ts';
import { type FastWorkerData, WorkerLink } from './worker-link.ts';

/** A large packet of 64 KiB in segments of 1,024 bytes. */
const SLOTS = 64;
/** Header and tag around a packet. */
const MESSAGE_OVERHEAD = 32;
const NO_WORDS: readonly number[] = [];

export function runOutbound(ffi: Ffi, data: FastWorkerData, notify: () => void): void {
  const link = new WorkerLink(ffi, data, notify);
  const memory = createPacketMemory(ffi, SLOTS, { plain: false });
  const { arena, kernel, wire, linear } = memory;
  const { bytes, view } = arena;
  const { slots, huge, hugeIndex } = wire;
  const cipher = createSlotCipher(ffi, memory, data.cipherMode);
  const socketOf = (family: number): number => link.descriptor(family === 4 ? UDP4_FD : UDP6_FD);
  const sender = createUdpSender(ffi, link.libc, memory, socketOf);
  const reader = createTunReader(ffi, link.libc, memory);
  const table = new SendTable(data.memory, link.worker, link.ring);
  const virtio = createVirtioNetHeader();
  const plan = createGsoPlan();

  let now = 0;
  let hasToldGone = false;
  /** Small packets since the worker slept, and whether there was but one between its last two sleeps. */
  let sinceSleep = 0;
  let wasAlone = false;
  /** Where the sender is aimed at. */
  let aimedRow = -1;
  let aimedEcn = 0;
  let aimedSequence = 0;
  let context: Handle;
  let contextAddress = 0;
  /** The run that is sealed and not sent. */
  let runRow = -1;
  let runEcn = 0;
  let runFrom = 0;
  let runTo = 0;
  let runBytes = 0;
  let runLastBytes = 0;

  function batch(generation: number): void {
    refresh(generation);
    const fd = link.descriptor(TUN_FD);
    const length = fd < 0 || hasToldGone ? -1 : reader.readScattered(fd);
    if (length < 0) return rest(fd);
    now = link.now();
    decodeVirtioNetHeader(arena, slots.packet - VIRTIO_NET_HEADER_BYTES, virtio);
    if (virtio.gsoType !== GSO_NONE) return takeLargeScattered(length);
    takeFirstSmall(length);
    // Where packets come one by one, each is on its way before the next one is asked for.
    if (sinceSleep++ === 0 && wasAlone) return sendRun();
    for (let index = 1; index < SLOTS; index++) {
      const next = reader.readInto(fd, index);
      if (next < 0) {
        sendRun();
        return rest(fd);
      }
      decodeVirtioNetHeader(arena, slots.packet + index * SLOT_BYTES - VIRTIO_NET_HEADER_BYTES, virtio);
      sinceSleep++;
      if (virtio.gsoType === GSO_NONE && next <= SLOT_ROOM) takeSmall(index, next);
      else {
        sendRun();
        reader.gather(index, next);
        if (virtio.gsoType === GSO_NONE) return takeHuge(next);
        return takeLargeLinear(next);
      }
    }
    sendRun();
  }

  function refresh(generation: number): void {
    if (!table.refresh(generation)) return;
    aimedRow = -1;
    contextAddress = 0;
  }

  const turn: Turn = {
    now: () => (now = link.now()),
    sleep(timeoutMs) {
      sendRun();
      link.sleepUntilRead(timeoutMs);
      refresh(link.generation());
    },
  };

  function rest(fd: number): void {
    if (reader.isGone && !hasToldGone) hasToldGone = link.pushEvent(GONE_RECORD);
    wasAlone = sinceSleep === 1;
    sinceSleep = 0;
    link.sleepUntilReadable(hasToldGone ? -1 : fd);
  }

  /** The first packet of a batch was scattered; only one that is longer than expected is not in one piece. */
  function takeFirstSmall(length: number): void {
    if (length > contiguousBytes(reader.scatter, length)) {
      gatherScattered(arena, reader.scatter, length, linear);
      if (length > SLOT_ROOM) return takeHuge(length);
      bytes.copyWithin(slots.packet, linear, linear + length);
    }
    takeSmall(0, length);
  }

  /** A small packet that no slot takes lies in linear memory: the MTU is a large one. */
  function takeHuge(length: number): void {
    bytes.copyWithin(huge.packet, linear, linear + length);
    takeSmall(hugeIndex, length);
    sendRun();
  }

  function takeSmall(index: number, length: number): void {
    const packet = wire.at[index]! + PACKET;
    const family = packetFamily(bytes, packet, length);
    if (family === 0) return link.drop(length < 20 ? 'packet-too-short' : 'bad-inner-packet');
    if (completeChecksum(arena, kernel, virtio, packet, length) !== undefined) return link.drop('bad-offload');
    const ecn = readEcn(family, bytes, packet);
    const row = findSendable(table, turn, family, view, packet, now);
    const counter = row < 0 ? -1 : table.takeCounters(row, 1);
    if (counter < 0) return handOver(family, packet, length);
    const messageBytes = seal(row, index, counter, length);
    const continues = row === runRow && ecn === runEcn && runLastBytes === runBytes && messageBytes <= runBytes;
    if (!continues || index !== runTo || runTo - runFrom === sender.mostAtOnce(runBytes)) {
      sendRun();
      runRow = row;
      runEcn = ecn;
      runFrom = index;
      runBytes = messageBytes;
    }
    runTo = index + 1;
    runLastBytes = messageBytes;
  }

  function takeLargeScattered(length: number): void {
    const contiguous = contiguousBytes(reader.scatter, length);
    const refusal = planSegments(arena, virtio, slots.packet, contiguous, length, HUGE_ROOM, plan);
    if (refusal !== undefined) return link.drop('bad-offload');
    if (!fitsScatter(reader.scatter, plan)) {
      gatherScattered(arena, reader.scatter, length, linear);
      takePlanned();
      reader.expect(plan.headerBytes, plan.segmentBytes);
      return;
    }
    finishScattered(kernel, plan, slots);
    takeSegments(0, 0, plan.count);
  }

  function takeLargeLinear(length: number): void {
    const refusal = planSegments(arena, virtio, linear, length, length, HUGE_ROOM, plan);
    if (refusal !== undefined) return link.drop('bad-offload');
    takePlanned();
    reader.expect(plan.headerBytes, plan.segmentBytes);
  }

  /** Cuts the large packet in linear memory, as many segments at a time as there are slots for their size. */
  function takePlanned(): void {
    const isHuge = plan.headerBytes + plan.segmentBytes > SLOT_ROOM;
    const into = isHuge ? huge : slots;
    for (let first = 0; first < plan.count;) {
      const count = dealSegments(arena, kernel, plan, linear, first, into);
      takeSegments(first, isHuge ? hugeIndex : 0, count);
      first += count;
    }
  }

  /** Segments from number `first` on lie in `count` slots from `index` on. */
  function takeSegments(first: number, index: number, count: number): void {
    const packet = wire.at[index]! + PACKET;
    const family = bytes[packet]! >>> 4 === 4 ? 4 : 6;
    const row = findSendable(table, turn, family, view, packet, now);
    let counter = row < 0 ? -1 : table.takeCounters(row, count);
    if (counter < 0) {
      for (let i = 0; i < count; i++) handOver(family, wire.at[index + i]! + PACKET, segmentLength(plan, first, i));
      return;
    }
    runRow = row;
    runEcn = readEcn(family, bytes, packet);
    runFrom = index;
    runTo = index;
    for (let i = 0; i < count; i++) {
      const messageBytes = seal(row, index + i, counter++, segmentLength(plan, first, i));
      if (runTo === runFrom) runBytes = messageBytes;
      runTo++;
      runLastBytes = messageBytes;
      if (runTo - runFrom < sender.mostAtOnce(runBytes)) continue;
      sendRun();
      runRow = row;
      runFrom = runTo;
    }
    sendRun();
  }

  function handOver(family: IpFamily, packet: number, length: number): void {
    if (!link.push(PACKET_RECORD, NO_WORDS, bytes, packet, length)) return link.drop('queue-full');
    const row = table.route(family, view, packet);
    if (row >= 0) table.handOver(row);
  }

  /** Pads and seals the packet in a slot. Returns the length of the message. */
  function seal(row: number, index: number, counter: number, length: number): number {
    const at = wire.at[index]!;
    const padded = paddedLength(length, link.words[MTU]!);
    clearBytes(arena, at + PACKET + length, at + PACKET + padded);
    const address = table.context(row);
    if (address !== contextAddress) {
      contextAddress = address;
      context = ffi.handle(address);
    }
    if (!cipher.seal(context, index, counter, padded)) throw new Error('OpenSSL does not encrypt any more.');
    writeTransportHeader(bytes, at + MESSAGE, table.remoteIndex(row), counter);
    return padded + MESSAGE_OVERHEAD;
  }

  function sendRun(): void {
    const row = runRow;
    if (row < 0) return;
    runRow = -1;
    if (runTo === runFrom) return;
    if (row !== aimedRow || runEcn !== aimedEcn || table.movedSequence(row) !== aimedSequence) {
      aimedSequence = table.readEndpoint(row);
      sender.aim(table.endpoint, runEcn);
      aimedRow = row;
      aimedEcn = runEcn;
    }
    const hadSource = !sender.hasLostSource;
    const sent = sender.send(runFrom, runTo, runBytes, runLastBytes);
    if (hadSource && sender.hasLostSource) link.pushEvent(SOURCE_LOST_RECORD, [row, table.version(row)]);
    table.noteSent(row, sent, now);
    if (sent > 0) link.noteActivity();
  }

  try {
    link.run(batch);
  } finally {
    bytes.fill(0); // packets before they were sealed
  }
}
