/**
 * Properties of both directions together: what goes in comes out, in the order of its flow, and is what a receiver takes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeHex } from '../../src/bytes.ts';
import { Coalescer, createWritePlan } from '../../src/offload/coalesce.ts';
import { createScatter } from '../../src/offload/split.ts';
import { createJavascriptOffload, createOffload } from '../../src/offload/wasm-kernel.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../src/offload/virtio-net-header.ts';
import { ARENA_BYTES, checkGuards, setGuards, SLOTS, SPILL } from './arena.ts';
import { anyFields, anyPacket, payload } from './arbitrary.ts';
import { ACK, buildPacket, CWR, headerBytes, ipHeaderBytes, isAcceptable, isTcp, makePartial } from './packets.ts';
import type { PacketFields } from './packets.ts';
import { fillSlots, readInto, split, takeWrite, virtioHeaderFor, writesOf } from './tun.ts';

const OFFLOADS = [createOffload(ARENA_BYTES), createJavascriptOffload(ARENA_BYTES)];
const plan = createWritePlan(SLOTS.count);

test('split and then coalesced, a large packet is again what it was, with its virtio header', () => {
  const anyCase = anyPacket({ maxPayload: 40_000 })
    .filter((packet) => packet[0]! >>> 4 === 6 || ipHeaderBytes(packet) === 20)
    .filter((packet) => !isTcp(packet) || !(packet[ipHeaderBytes(packet) + 13]! & CWR))
    .filter((packet) => packet.length - headerBytes(packet) > 1)
    .chain((packet) => {
      const bytes = packet.length - headerBytes(packet);
      // At least two segments, and no more than there are slots.
      const sizes = fc.integer({ min: Math.ceil(bytes / SLOTS.count), max: Math.min(1700, bytes - 1) });
      return fc.tuple(fc.constant(makePartial(packet)), sizes);
    });
  for (const offload of OFFLOADS) {
    const { arena } = offload;
    const coalescer = new Coalescer({ ...offload, plan, udp: true });
    fc.assert(
      fc.property(anyCase, ([large, segmentBytes]) => {
        const scatter = createScatter(arena, SLOTS, SPILL);
        const header = virtioHeaderFor(large, segmentBytes);
        readInto(arena, scatter, header, large);
        const { packets } = split(offload, scatter, large.length);
        assert.ok(packets.every(isAcceptable));
        coalescer.begin();
        for (const [slot, { length }] of packets.entries()) {
          coalescer.add(SLOTS.packet + slot * SLOTS.stride, length);
        }
        assert.equal(coalescer.finish(), 1);
        const write = writesOf(arena, plan)[0]!;
        assert.equal(takeWrite(write).length, packets.length);
        assert.deepEqual(write.subarray(VIRTIO_NET_HEADER_BYTES), large);
      }),
    );
  }
});

/** One packet of a batch: of which flow, what is odd about it, and by what it is known in the result. */
interface Step {
  flow: number;
  change: (fields: PacketFields) => Partial<PacketFields>;
  edit?: (packet: Uint8Array) => void;
}

const anyFlow = anyFields().map((fields): PacketFields => ({
  ...fields,
  flags: ACK,
  ipOptions: new Uint8Array(0),
  urgent: 0,
}));

const anyStep: fc.Arbitrary<Step> = fc.record({
  flow: fc.nat(9),
  change: fc.oneof(
    { weight: 12, arbitrary: fc.constant(() => ({})) },
    payload(0, 1500).map((payload) => () => ({ payload })),
    fc.nat(255).map((flags) => () => ({ flags })),
    fc.nat(3).map((tos) => () => ({ tos })),
    fc.integer({ min: -2000, max: 2000 }).map((gap) => (f: PacketFields) => ({ sequence: (f.sequence + gap) >>> 0 })),
    fc.nat(0xffff).map((identification) => () => ({ identification })),
    fc.constant(() => ({ ipOptions: Uint8Array.of(1, 1, 1, 1) })),
    fc.constant(() => ({ options: Uint8Array.of(1, 1, 1, 1) })),
  ),
  edit: fc.oneof(
    { weight: 12, arbitrary: fc.constant(() => {}) },
    // A bit turned on the way, which no receiver takes; a fragment.
    fc.tuple(fc.nat(), fc.nat(7)).map(([at, bit]) => (packet: Uint8Array) => {
      packet[20 + (at % (packet.length - 20))]! ^= 1 << bit;
    }),
    fc.constant((packet: Uint8Array) => {
      if (packet[0]! >>> 4 === 4) packet[6]! |= 0x20;
    }),
  ),
});

function usual(flow: number): Step {
  return { flow, change: () => ({}), edit: () => {} };
}

/** The packets of a batch, as their senders would send them but for what is odd. */
function buildBatch(flows: readonly PacketFields[], steps: readonly Step[]): Uint8Array[] {
  const states = flows.map((fields) => ({ ...fields }));
  return steps.map(({ flow, change, edit }) => {
    const state = states[flow % states.length]!;
    const packet = buildPacket({ ...state, ...change(state) });
    const bytes = packet.length - headerBytes(packet);
    state.sequence = (state.sequence + bytes) >>> 0;
    state.identification = (state.identification + 1) & 0xffff;
    edit?.(packet);
    return packet;
  });
}

/** A name for the packet: its bytes, without the identification where it may change on the way (RFC 6864). */
function nameOf(packet: Uint8Array): string {
  const named = packet.slice();
  if (packet[0]! >>> 4 === 4 && packet[6]! & 0x40 && isAcceptable(packet)) {
    named.fill(0, 4, 6);
    named.fill(0, 10, 12);
  }
  return encodeHex(named);
}

/** Addresses, protocol and ports; undefined for what may belong to any flow. */
function flowOf(packet: Uint8Array): string | undefined {
  const isIpv4 = packet[0]! >>> 4 === 4;
  if (isIpv4 && (packet[0] !== 0x45 || packet[6]! & 0xbf || packet[7])) return undefined;
  const protocol = packet[isIpv4 ? 9 : 6]!;
  if (protocol !== 6 && protocol !== 17) return undefined;
  const addresses = packet.subarray(isIpv4 ? 12 : 8, ipHeaderBytes(packet) + 4);
  return `${protocol} ${encodeHex(addresses)}`;
}

test('a batch of flows, odd and corrupt packets among them: all come out, each as it was, no flow reordered', () => {
  const flows = fc.array(anyFlow, { minLength: 1, maxLength: 10 });
  const steps = fc.array(anyStep, { minLength: 1, maxLength: SLOTS.count });
  for (const offload of OFFLOADS) {
    const { arena } = offload;
    setGuards(arena);
    fc.assert(
      fc.property(flows, steps, fc.boolean(), (flows, steps, udp) => {
        const batch = buildBatch(flows, steps);
        const coalescer = new Coalescer({ ...offload, plan, udp });
        coalescer.begin();
        const offsets = fillSlots(arena, SLOTS, batch);
        for (const [i, packet] of batch.entries()) coalescer.add(offsets[i]!, packet.length);
        coalescer.finish();
        checkGuards(arena);
        const taken = writesOf(arena, plan).flatMap(takeWrite);
        assert.equal(taken.length, batch.length);
        for (const flow of new Set(batch.map(flowOf))) {
          const ofFlow = (packet: Uint8Array) => [flow, undefined].includes(flowOf(packet));
          assert.deepEqual(taken.filter(ofFlow).map(nameOf), batch.filter(ofFlow).map(nameOf));
        }
      }),
      { numRuns: 200 },
    );
  }
});

test('what the kernel takes at once becomes the same writes as packets taken one by one', () => {
  const flows = fc.array(anyFlow, { minLength: 1, maxLength: 3 });
  // Long stretches of one flow, each with its own length of payload, and something odd now and then.
  const stretch = fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 30 }), fc.array(anyStep, { maxLength: 1 }));
  const anySteps = fc
    .array(stretch, { minLength: 1, maxLength: 6 })
    .map((stretches) =>
      stretches
        .flatMap(([flow, count, odd]) => [...Array.from({ length: count }, () => usual(flow)), ...odd])
        .slice(0, SLOTS.count),
    );
  for (const { arena, kernel } of OFFLOADS) {
    fc.assert(
      fc.property(flows, anySteps, fc.boolean(), (flows, steps, udp) => {
        const batch = buildBatch(flows, steps);
        const [atOnce, oneByOne] = [kernel, { ...kernel, countFollowing: () => 0 }].map((kernel) => {
          const coalescer = new Coalescer({ arena, kernel, plan, udp });
          coalescer.begin();
          const offsets = fillSlots(arena, SLOTS, batch);
          for (const [i, packet] of batch.entries()) coalescer.add(offsets[i]!, packet.length);
          coalescer.finish();
          return writesOf(arena, plan).map(encodeHex);
        });
        assert.deepEqual(atOnce, oneByOne);
      }),
      { numRuns: 200 },
    );
  }
});

test('arbitrary bytes: no throw, nothing outside the slots, no byte invented', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.tuple(anyFlow, fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 })).map(([fields, edits]) => {
      const packet = buildPacket({ ...fields, payload: fields.payload.subarray(0, 50) });
      for (const [at, value] of edits) packet[at % packet.length] = value;
      return packet;
    }),
  );
  for (const offload of OFFLOADS) {
    const { arena } = offload;
    setGuards(arena);
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: SLOTS.count }), (batch) => {
        const coalescer = new Coalescer({ ...offload, plan, udp: true });
        coalescer.begin();
        const offsets = fillSlots(arena, SLOTS, batch);
        for (const [i, packet] of batch.entries()) coalescer.add(offsets[i]!, packet.length);
        const writes = coalescer.finish();
        checkGuards(arena);
        const taken = writesOf(arena, plan).flatMap(takeWrite);
        assert.ok(writes <= taken.length);
        assert.equal(taken.length, batch.length - coalescer.refused);
        const bytes = (of: readonly Uint8Array[]) => of.reduce((sum, { length }) => sum + length, 0);
        assert.ok(bytes(taken) <= bytes(batch));
      }),
      { numRuns: 500 },
    );
  }
});
