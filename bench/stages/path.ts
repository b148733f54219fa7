/**
 * The way of a packet through both workers, stage by stage, by the very functions that the workers call, on a real TUN and
 * real sockets. One call of a stage takes a batch: one large packet of 44 segments.
 *
 *   feed -> TUN read -> split -> seal -> send -> receive -> open -> coalesce -> TUN write
 *
 * What comes out is a packet with a source address of our own, which the kernel drops first of all.
 */
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { TYPE_TRANSPORT, writeTransportHeader } from '../../src/noise/messages.ts';
import { Coalescer, createWritePlan } from '../../src/offload/coalesce.ts';
import { createGsoPlan, planSegments } from '../../src/offload/gso.ts';
import { IOVEC_BYTES, writeIovecs } from '../../src/offload/iovec.ts';
import { contiguousBytes, finishScattered, fitsScatter, segmentLength } from '../../src/offload/split.ts';
import {
  createVirtioNetHeader,
  decodeVirtioNetHeader,
  VIRTIO_NET_HEADER_BYTES,
} from '../../src/offload/virtio-net-header.ts';
import { ADDRESS, ENDPOINT_WORDS, PEER } from '../../src/plane/endpoint-words.ts';
import { type FastLibc, loadFastLibc } from '../../runtime/linux/fast/fast-libc.ts';
import { createPacketMemory, MESSAGE, PACKET, type PacketMemory } from '../../runtime/linux/fast/packet-memory.ts';
import { createSlotCipher } from '../../runtime/linux/fast/slot-cipher.ts';
import { createTunReader, type TunReader } from '../../runtime/linux/fast/tun-reader.ts';
import { createUdpReceiver } from '../../runtime/linux/fast/udp-receiver.ts';
import { createUdpSender } from '../../runtime/linux/fast/udp-sender.ts';
import { createWorkerCiphers } from '../../runtime/linux/fast/worker-ciphers.ts';
import type { Ffi, FfiSignature, Handle } from '../../runtime/linux/ffi.ts';
import { BEHIND_TUN, type BoundSocket, openSocket, openTun } from './descriptors.ts';
import { prepareMessage } from './kernel-calls.ts';
import { BATCH, HEADER_BYTES, MESSAGE_BYTES, PACKET_BYTES, PAYLOAD_BYTES } from './sizes.ts';

const SLOTS = 64;
const DISCARD_PORT = 9;
const REMOTE_INDEX = 7;
/** Until the reader and the receiver know how long the packets are. */
const PRIMING_ROUNDS = 3;

export interface Path {
  readonly libc: FastLibc;
  readonly tun: number;
  readonly outbound: PacketMemory;
  readonly inbound: PacketMemory;
  readonly reader: TunReader;
  readonly listening: BoundSocket;
  readonly deaf: BoundSocket;
  /** Where the iovecs of the last write are, and how many it had. */
  readonly written: { pointer: Handle; entries: number };
  /** A process sends a large packet into the TUN: not a stage. */
  readonly feed: () => void;
  readonly read: () => void;
  readonly split: () => void;
  readonly seal: () => void;
  /** Where `send` sends from now on. */
  readonly aim: (at: BoundSocket) => void;
  readonly send: () => void;
  readonly receive: () => void;
  readonly open: () => void;
  readonly coalesce: () => void;
  readonly write: () => void;
}

/** Needs a network namespace of its own, and CAP_NET_ADMIN in it. */
export function openPath(runtimeFfi: Ffi): Path {
  const ffi = loadingOnce(runtimeFfi);
  const libc = loadFastLibc(ffi);
  const tun = openTun(ffi);
  const listening = openSocket(ffi, 5001, { deaf: false });
  const deaf = openSocket(ffi, 5002, { deaf: true });
  const outbound = createPacketMemory(ffi, SLOTS, { plain: false });
  const inbound = createPacketMemory(ffi, SLOTS, { plain: true });
  const { context, mode } = createContext(ffi);
  const sealing = createSlotCipher(ffi, outbound, mode);
  const opening = createSlotCipher(ffi, inbound, mode);
  const reader = createTunReader(ffi, libc, outbound);
  const sender = createUdpSender(ffi, libc, outbound, () => listening.fd);
  const receiver = createUdpReceiver(ffi, libc, inbound);
  const { slots } = outbound.wire;
  const virtio = createVirtioNetHeader();
  const plan = createGsoPlan();
  const writePlan = createWritePlan(SLOTS + 1);
  const coalescer = new Coalescer({ arena: inbound.arena, kernel: inbound.kernel, plan: writePlan, udp: true });
  const iovecs = inbound.reserve((SLOTS + 1) * IOVEC_BYTES);
  const written = { pointer: inbound.pointer(iovecs), entries: 0 };
  const feedMessage = prepareMessage(outbound, {
    entries: Int32Array.of(outbound.linear, BATCH * PAYLOAD_BYTES),
    to: { address: BEHIND_TUN, port: DISCARD_PORT },
    segmentBytes: PAYLOAD_BYTES,
  });
  const endpoint = new Int32Array(ENDPOINT_WORDS);
  const large = HEADER_BYTES + BATCH * PAYLOAD_BYTES;
  let counter = 0;
  let length = 0;

  const path: Path = {
    libc,
    tun,
    outbound,
    inbound,
    reader,
    listening,
    deaf,
    written,

    feed() {
      if (libc.sendmsg(listening.fd, feedMessage, 0) !== BATCH * PAYLOAD_BYTES) fail('feed', ffi.errno());
    },

    read() {
      length = reader.readScattered(tun);
      if (length !== large) fail('TUN read', length);
    },

    split() {
      const { arena, kernel } = outbound;
      decodeVirtioNetHeader(arena, slots.packet - VIRTIO_NET_HEADER_BYTES, virtio);
      const contiguous = contiguousBytes(reader.scatter, length);
      const refusal = planSegments(arena, virtio, slots.packet, contiguous, length, slots.room, plan);
      if (refusal !== undefined || plan.count !== BATCH) fail('split', refusal ?? plan.count);
      if (fitsScatter(reader.scatter, plan)) finishScattered(kernel, plan, slots);
      else reader.expect(plan.headerBytes, plan.segmentBytes);
    },

    seal() {
      for (let i = 0; i < BATCH; i++) {
        if (!sealing.seal(context, i, counter, segmentLength(plan, 0, i))) fail('seal', i);
        writeTransportHeader(outbound.arena.bytes, outbound.wire.at[i]! + MESSAGE, REMOTE_INDEX, counter);
        counter++;
      }
    },

    aim({ address, port }) {
      endpoint[PEER] = (4 << 16) | port;
      endpoint[ADDRESS] = new Int32Array(Uint8Array.from(address).buffer)[0]!;
      sender.aim(endpoint, 0);
    },

    send() {
      const sent = sender.send(0, BATCH, MESSAGE_BYTES, MESSAGE_BYTES);
      if (sent !== BATCH * MESSAGE_BYTES) fail('send', ffi.errno());
    },

    receive() {
      if (!receiver.receive(listening.fd)) fail('receive', ffi.errno());
      if (receiver.received.messages !== BATCH) fail('receive', receiver.received.messages);
    },

    open() {
      const { u32 } = inbound.arena;
      for (let i = 0; i < BATCH; i++) {
        const word = (inbound.wire.at[i]! + MESSAGE) >>> 2;
        if (u32[word] !== TYPE_TRANSPORT) fail('open', u32[word]!);
        if (!opening.open(context, i, u32[word + 2]!, u32[word + 3]!, PACKET_BYTES)) fail('open', i);
      }
    },

    coalesce() {
      coalescer.begin();
      for (let i = 0; i < BATCH; i++) coalescer.add(inbound.plain.at[i]! + PACKET, PACKET_BYTES);
      if (coalescer.finish() !== 1) fail('coalesce', writePlan.writes);
    },

    write() {
      written.entries = writePlan.ends[0]!;
      writeIovecs(inbound.arena, writePlan.entries, 0, written.entries, iovecs, inbound.base);
      const took = libc.writev(tun, written.pointer, written.entries);
      if (took !== VIRTIO_NET_HEADER_BYTES + large) fail('TUN write', ffi.errno());
    },
  };
  prime(path, () => receiver.received.inSlots);
  return path;
}

/**
 * In a worker there is one of each function. Here there are two ciphers in one thread: if they called different functions of one
 * library, V8 would not compile the calls as it does there: on Deno sealing would cost half as much again.
 */
function loadingOnce(ffi: Ffi): Ffi {
  const loaded = new Map<string, ReturnType<Ffi['load']>>();
  return {
    ...ffi,
    load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>) {
      const key = [library, ...Object.keys(symbols)].join(' ');
      const known = loaded.get(key) ?? ffi.load(library, symbols);
      loaded.set(key, known);
      return known; // it has the names of its key
    },
  };
}

/** The first large packet of its kind is put together elsewhere, and read where it belongs from then on. */
function prime(path: Path, isInSlots: () => boolean): void {
  path.aim(path.listening);
  for (let round = 0; round < PRIMING_ROUNDS; round++) {
    path.feed();
    path.read();
    path.split();
    path.seal();
    path.send();
    path.receive();
  }
  if (!isInSlots()) fail('receive', 0);
  path.open();
  path.coalesce();
  path.write();
}

function createContext(ffi: Ffi) {
  const ciphers = createWorkerCiphers(ffi, nobleCrypto);
  if (ciphers === undefined) throw new Error('There is no OpenSSL here whose ChaCha20-Poly1305 is right.');
  const key = crypto.getRandomValues(new Uint8Array(32));
  const address = ciphers.contextOf(ciphers.crypto.createAead(key));
  return { context: ffi.handle(address), mode: ciphers.mode };
}

function fail(stage: string, got: number | string): never {
  throw new Error(`${stage} did not do what it is measured for: ${got}`);
}
