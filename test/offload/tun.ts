/**
 * The TUN's two ends for tests: a scattering read of a large packet, and what a kernel takes from the writes of a plan.
 */
import assert from 'node:assert/strict';
import { concatBytes, readUint16BE } from '../../src/bytes.ts';
import type { Arena, Slots } from '../../src/offload/arena.ts';
import type { WritePlan } from '../../src/offload/coalesce.ts';
import { completeChecksum, createGsoPlan, type OffloadRefusal, planSegments } from '../../src/offload/gso.ts';
import type { Offload } from '../../src/offload/kernel.ts';
import {
  contiguousBytes,
  dealSegments,
  finishScattered,
  fitsScatter,
  gatherScattered,
  predictScatter,
  type Scatter,
  segmentLength,
} from '../../src/offload/split.ts';
import {
  createVirtioNetHeader,
  decodeVirtioNetHeader,
  encodeVirtioNetHeader,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
  VIRTIO_NET_HEADER_BYTES,
  type VirtioNetHeader,
} from '../../src/offload/virtio-net-header.ts';
import { LINEAR } from './arena.ts';
import {
  CWR,
  hasPartialChecksum,
  headerBytes,
  ipHeaderBytes,
  isTcp,
  makePartial,
  onesComplementSum,
  segment,
} from './packets.ts';

/** What the kernel says of a large packet, or of one whose checksum it leaves to us (`segmentBytes` 0). */
export function virtioHeaderFor(large: Uint8Array, segmentBytes: number): VirtioNetHeader {
  const tcpType = large[0]! >>> 4 === 4 ? GSO_TCPV4 : GSO_TCPV6;
  const ecn = isTcp(large) && large[ipHeaderBytes(large) + 13]! & CWR ? GSO_ECN : 0;
  return {
    flags: NEEDS_CSUM,
    gsoType: segmentBytes === 0 ? GSO_NONE : isTcp(large) ? tcpType | ecn : GSO_UDP_L4,
    headerBytes: headerBytes(large),
    segmentBytes,
    csumStart: ipHeaderBytes(large),
    csumOffset: isTcp(large) ? 16 : 6,
  };
}

/** readv(2): the virtio header and the packet, one entry after the other. */
export function readInto(arena: Arena, { entries }: Scatter, header: VirtioNetHeader, packet: Uint8Array): void {
  const at = entries[0]!;
  encodeVirtioNetHeader(arena, at, header);
  const read = concatBytes(arena.bytes.slice(at, at + VIRTIO_NET_HEADER_BYTES), packet);
  let done = 0;
  for (let entry = 0; entry < entries.length && done < read.length; entry += 2) {
    const part = read.subarray(done, done + entries[entry + 1]!);
    arena.bytes.set(part, entries[entry]);
    done += part.length;
  }
  assert.equal(done, read.length, 'the scatter has room for the packet');
}

export interface Split {
  refusal?: OffloadRefusal;
  packets: Uint8Array[];
  /** Not a byte of payload was copied. */
  inPlace: boolean;
}

/** The outbound worker's part, with what it would seal taken out of the slots. */
export function split({ arena, kernel }: Offload, scatter: Scatter, length: number): Split {
  const header = createVirtioNetHeader();
  const plan = createGsoPlan();
  const { slots } = scatter;
  const take = (slot: number, bytes: number) => {
    const from = slots.packet + slot * slots.stride;
    return arena.bytes.slice(from, from + bytes);
  };
  decodeVirtioNetHeader(arena, slots.packet - VIRTIO_NET_HEADER_BYTES, header);
  const contiguous = contiguousBytes(scatter, length);
  if (header.gsoType === GSO_NONE) {
    if (contiguous < length) return { packets: [], inPlace: false, refusal: 'segment too long' };
    const refusal = completeChecksum(arena, kernel, header, slots.packet, length);
    return refusal ? { refusal, packets: [], inPlace: true } : { packets: [take(0, length)], inPlace: true };
  }
  const refusal = planSegments(arena, header, slots.packet, contiguous, length, slots.room, plan);
  if (refusal) return { refusal, packets: [], inPlace: true };
  const packets: Uint8Array[] = [];
  if (fitsScatter(scatter, plan)) {
    finishScattered(kernel, plan, slots);
    for (let slot = 0; slot < plan.count; slot++) packets.push(take(slot, segmentLength(plan, 0, slot)));
    return { packets, inPlace: true };
  }
  gatherScattered(arena, scatter, length, LINEAR);
  for (let first = 0; first < plan.count; first = packets.length) {
    const count = dealSegments(arena, kernel, plan, LINEAR, first, slots);
    for (let slot = 0; slot < count; slot++) packets.push(take(slot, segmentLength(plan, first, slot)));
  }
  predictScatter(scatter, plan.headerBytes, plan.segmentBytes);
  return { packets, inPlace: false };
}

/** Puts packets into slots; returns where each begins. */
export function fillSlots({ bytes }: Arena, slots: Slots, packets: readonly Uint8Array[]): number[] {
  assert.ok(packets.length <= slots.count);
  return packets.map((packet, slot) => {
    const at = slots.packet + slot * slots.stride;
    bytes.set(packet, at);
    return at;
  });
}

/** writev(2) of each write of a plan: virtio header and packet. */
export function writesOf({ bytes }: Arena, { entries, ends, writes }: WritePlan): Uint8Array[] {
  return Array.from({ length: writes }, (_, write) => {
    const parts: Uint8Array[] = [];
    for (let entry = write === 0 ? 0 : ends[write - 1]!; entry < ends[write]!; entry++) {
      parts.push(bytes.subarray(entries[2 * entry], entries[2 * entry]! + entries[2 * entry + 1]!));
    }
    return concatBytes(...parts);
  });
}

/**
 * The packets that a kernel makes of a write, held to what virtio_net_hdr_to_skb() and tun_get_user() ask for:
 * linux/virtio_net.h, net/ipv4/{tcp,udp}_offload.c.
 */
export function takeWrite(write: Uint8Array): Uint8Array[] {
  const header = createVirtioNetHeader();
  decodeVirtioNetHeader({ bytes: write, view: new DataView(write.buffer) }, 0, header);
  const packet = write.slice(VIRTIO_NET_HEADER_BYTES);
  if (header.gsoType === GSO_NONE) {
    assert.deepEqual(header, createVirtioNetHeader());
    return [packet];
  }
  const { segmentBytes } = header;
  assert.deepEqual(header, virtioHeaderFor(packet, segmentBytes));
  const payload = packet.length - headerBytes(packet);
  assert.ok(segmentBytes > 0 && payload > segmentBytes, 'a large packet stands for several');
  assert.ok(isTcp(packet) || payload <= 64 * segmentBytes, 'no more datagrams than UDP_MAX_SEGMENTS');
  if (packet[0]! >>> 4 === 4) {
    assert.equal(readUint16BE(packet, 2), packet.length);
    assert.equal(onesComplementSum(packet.subarray(0, ipHeaderBytes(packet))), 0xffff);
  } else assert.equal(40 + readUint16BE(packet, 4), packet.length);
  if (!isTcp(packet)) assert.equal(readUint16BE(packet, ipHeaderBytes(packet) + 4), payload + 8);
  assert.ok(hasPartialChecksum(packet), 'the checksum field holds the sum of the pseudo header');
  assert.deepEqual(makePartial(packet.slice()), packet, 'as the kernel itself would write it');
  return segment(packet, segmentBytes);
}
