/**
 * An inbound worker: UDP -> open -> coalesce -> TUN.
 *
 *   1. Receive what the kernel has merged, from the IPv4 and IPv6 sockets in turn.
 *   2. Handshake messages and whatever is odd go to the control thread; when that has too much to do, they are dropped and counted.
 *   3. Transport data: keypair, age, tag, replay window; who sent it may have moved, and may be heard for the first time.
 *   4. The inner packet: its length, whether its source belongs to the peer, ECN.
 *   5. Packets of a batch are merged again and written.
 */
import { combineEcn } from '../../../src/device/ecn.ts';
import { packetFamily, packetLength } from '../../../src/device/inner-packet.ts';
import {
  COOKIE_REPLY_BYTES,
  INITIATION_BYTES,
  RESPONSE_BYTES,
  TRANSPORT_HEADER_BYTES,
  TRANSPORT_MIN_BYTES,
  TYPE_COOKIE_REPLY,
  TYPE_INITIATION,
  TYPE_RESPONSE,
  TYPE_TRANSPORT,
} from '../../../src/noise/messages.ts';
import { Coalescer, createWritePlan } from '../../../src/offload/coalesce.ts';
import { IOVEC_BYTES, writeIovecs } from '../../../src/offload/iovec.ts';
import { ENDPOINT_WORDS } from '../../../src/plane/endpoint-words.ts';
import { OVERFLOWED, TUN_FD, UDP4_FD, UDP6_FD } from '../../../src/plane/plane-memory.ts';
import { ReceiveTable } from '../../../src/plane/receive-table.ts';
import { CONFIRMED_RECORD, DATAGRAM_RECORD, MOVED_RECORD, REFUSED_RECORD } from '../../../src/plane/records.ts';
import type { Ffi, Handle } from '../ffi.ts';
import { EIO } from '../libc.ts';
import { createPacketMemory, LONGEST_IN_SLOT, MESSAGE, PACKET } from './packet-memory.ts';
import { createSlotCipher } from './slot-cipher.ts';
import { createUdpReceiver } from './udp-receiver.ts';
import { type FastWorkerData, WorkerLink } from './worker-link.ts';

/** As many datagrams as the kernel merges. */
const SLOTS = 64;
/** Batches of one family before the other is asked. */
const LONGEST_TURN = 64;
/** As many as one call takes while they come one by one; the other slots are for what comes merged among them. */
const MANY = 32;
const TAG_BYTES = 16;
/** The other messages, and how long they are. */
const HANDSHAKE_BYTES: Readonly<Record<number, number>> = {
  [TYPE_INITIATION]: INITIATION_BYTES,
  [TYPE_RESPONSE]: RESPONSE_BYTES,
  [TYPE_COOKIE_REPLY]: COOKIE_REPLY_BYTES,
};
/** Counters end at 2^53, so their upper half at this. */
const COUNTER_HIGH_END = 0x20_0000;

export function runInbound(ffi: Ffi, data: FastWorkerData, notify: () => void): void {
  const link = new WorkerLink(ffi, data, notify);
  const memory = createPacketMemory(ffi, SLOTS, { plain: true, overflows: MANY });
  const { arena, kernel, wire, plain, linear } = memory;
  const { bytes, u32, view } = arena;
  const cipher = createSlotCipher(ffi, memory, data.cipherMode);
  const receiver = createUdpReceiver(ffi, link.libc, memory);
  const { received } = receiver;
  const table = new ReceiveTable(data.memory, link.worker);
  const plan = createWritePlan(SLOTS + 1);
  const coalescer = new Coalescer({ arena, kernel, plan, udp: data.udpOffload });
  const iovecs = memory.reserve((SLOTS + 1) * IOVEC_BYTES);
  const iovecPointers = memory.pointers(iovecs, IOVEC_BYTES, SLOTS + 1);

  let now = 0;
  let isV6Turn = false;
  let turn = 0;
  let context: Handle;
  let contextAddress = 0;
  /** The peer that is known to be where this batch came from. */
  let seenPeer = -1;
  const datagramWords = new Int32Array(ENDPOINT_WORDS + 1);
  const movedWords = new Int32Array(3 + ENDPOINT_WORDS);
  const confirmedWords = new Int32Array(2);
  /** The control thread was told that the interface is down, since the tables changed last. */
  let hasToldRefused = false;

  function batch(generation: number): void {
    if (table.refresh(generation)) {
      contextAddress = 0;
      hasToldRefused = false;
    }
    if (!receive()) return sleep();
    now = link.now();
    coalescer.begin();
    do takeReceived();
    while (receiver.next());
    write();
  }

  function takeReceived(): void {
    seenPeer = -1;
    if (received.truncated) return link.drop('truncated');
    if (!received.inSlots) return takeLinear();
    for (let i = 0; i < received.messages; i++) take(received.firstSlot + i, lengthOf(i));
  }

  /** One family for as long as it has something, but not so long that the other starves. */
  function receive(): boolean {
    const isOthersTurn = turn++ === LONGEST_TURN;
    if (isOthersTurn) switchFamily();
    if (receiveFromTurn()) return true;
    if (isOthersTurn) switchFamily();
    return isOthersTurn && receiveFromTurn();
  }

  function receiveFromTurn(): boolean {
    const fd = link.descriptor(isV6Turn ? UDP6_FD : UDP4_FD);
    return fd >= 0 && receiver.receive(fd);
  }

  /** Whose turn it is has nothing. The other one was not asked: poll does that, too. */
  function sleep(): void {
    const mine = link.descriptor(isV6Turn ? UDP6_FD : UDP4_FD);
    const others = link.descriptor(isV6Turn ? UDP4_FD : UDP6_FD);
    if (link.sleepUntilReadable(mine, others)) switchFamily();
  }

  function switchFamily(): void {
    isV6Turn = !isV6Turn;
    turn = 0;
  }

  function lengthOf(index: number): number {
    return index === received.messages - 1 ? received.lastBytes : received.messageBytes;
  }

  /** Datagrams of another length than expected lie one after the other: each gets its slot. */
  function takeLinear(): void {
    const { freeSlot } = received;
    let slot = freeSlot;
    // Others of the same call may be there: what was opened in the free slots leaves them first.
    if (freeSlot > 0) writeAndBegin();
    for (let index = 0, at = linear; index < received.messages; index++, at += received.messageBytes) {
      const length = lengthOf(index);
      const isHuge = length > LONGEST_IN_SLOT;
      if (isHuge || slot === SLOTS) {
        writeAndBegin();
        slot = freeSlot;
      }
      const into = isHuge ? wire.hugeIndex : slot++;
      bytes.copyWithin(wire.at[into]! + MESSAGE, at, at + length);
      take(into, length);
      if (isHuge) writeAndBegin();
    }
  }

  function writeAndBegin(): void {
    write();
    coalescer.begin();
  }

  function take(slot: number, length: number): void {
    const at = wire.at[slot]! + MESSAGE;
    if (length < TRANSPORT_MIN_BYTES) return link.drop('bad-length');
    const type = u32[at >>> 2]!;
    if (type !== TYPE_TRANSPORT) {
      const expected = HANDSHAKE_BYTES[type];
      // Only what has the length of its type is worth a place in the ring.
      if (expected === length) return handOver(at, length);
      return link.drop(expected === undefined ? 'unknown-type' : 'bad-length');
    }
    const row = table.find(u32[(at >>> 2) + 1]!);
    if (row < 0) {
      if (link.words[OVERFLOWED] !== 0) return handOver(at, length);
      return link.drop('unknown-index');
    }
    const counterLow = u32[(at >>> 2) + 2]!;
    const counterHigh = u32[(at >>> 2) + 3]!;
    if (table.isTooOld(row, now) || counterHigh >= COUNTER_HIGH_END) return link.drop('stale-keypair');
    const packetBytes = length - TRANSPORT_HEADER_BYTES - TAG_BYTES;
    if (!open(row, slot, counterLow, counterHigh, packetBytes)) return link.drop('bad-tag');
    if (!table.accept(row, counterHigh * 0x1_0000_0000 + counterLow)) return link.drop('replayed');

    const peer = table.peerOf(row);
    table.noteReceived(peer, length, now);
    if (peer !== seenPeer) lookAtEndpoint(peer, row);
    if (table.isUnconfirmed(row)) confirm(row);
    if (packetBytes > 0) {
      table.noteData(peer, now);
      deliver(peer, plain.at[slot]! + PACKET, packetBytes);
    }
    link.noteActivity();
  }

  function open(row: number, slot: number, counterLow: number, counterHigh: number, length: number): boolean {
    const address = table.context(row);
    if (address !== contextAddress) {
      contextAddress = address;
      context = ffi.handle(address);
    }
    return cipher.open(context, slot, counterLow, counterHigh, length);
  }

  function deliver(peer: number, packet: number, length: number): void {
    const family = packetFamily(bytes, packet, length);
    const packetBytes = family === 0 ? 0 : packetLength(family, bytes, packet, length);
    if (family === 0 || packetBytes === 0) return link.drop('bad-inner-packet');
    if (!table.maySendFrom(peer, family, view, packet)) return link.drop('source-not-allowed');
    if (!combineEcn(family, bytes, packet, received.ecn)) return link.drop('ecn-mismatch');
    coalescer.add(packet, packetBytes);
  }

  /** The peer moves at once, for the answer to this very message; the control thread is told, and makes it so for good. */
  function lookAtEndpoint(peer: number, row: number): void {
    seenPeer = peer;
    if (table.isAt(peer, received.from)) return;
    movedWords[0] = row;
    movedWords[1] = table.serial(row);
    movedWords.set(received.from, 3);
    table.moveTo(peer, received.from, (move) => {
      movedWords[2] = move;
      return link.pushEvent(MOVED_RECORD, movedWords);
    });
  }

  function confirm(row: number): void {
    confirmedWords[0] = row;
    confirmedWords[1] = table.serial(row);
    if (link.pushEvent(CONFIRMED_RECORD, confirmedWords)) table.setConfirmed(row);
  }

  function handOver(at: number, length: number): void {
    datagramWords.set(received.from);
    datagramWords[ENDPOINT_WORDS] = received.ecn;
    if (!link.push(DATAGRAM_RECORD, datagramWords, bytes, at, length)) link.drop('queue-full');
  }

  function write(): void {
    const writes = coalescer.finish();
    if (coalescer.refused > 0) link.drop('bad-inner-packet', coalescer.refused);
    if (writes === 0) return;
    const fd = link.descriptor(TUN_FD);
    const entries = plan.ends[writes - 1]!;
    writeIovecs(arena, plan.entries, 0, entries, iovecs, memory.base);
    for (let i = 0, from = 0; i < writes; i++) {
      const to = plan.ends[i]!;
      if (link.libc.writev(fd, iovecPointers[from], to - from) < 0) {
        const errno = ffi.errno();
        link.drop('not-delivered', to - from); // an entry for each packet of the write
        // It is down, though the control thread may not know.
        if (errno === EIO && !hasToldRefused) hasToldRefused = link.pushEvent(REFUSED_RECORD);
      }
      from = to;
    }
  }

  try {
    link.run(batch);
  } finally {
    bytes.fill(0); // packets that were opened
  }
}
