import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Slots } from '../../src/offload/arena.ts';
import { Coalescer, createWritePlan } from '../../src/offload/coalesce.ts';
import { createOffload } from '../../src/offload/wasm-kernel.ts';
import { ARENA_BYTES, SLOTS } from './arena.ts';
import { ACK, buildPacket, CWR, ECE, FIN, type PacketFields, PSH, RST, setChecksums, SYN, URG } from './packets.ts';
import { fillSlots, takeWrite, writesOf } from './tun.ts';

const offload = createOffload(ARENA_BYTES);
const { arena } = offload;
const plan = createWritePlan(SLOTS.count);

/** How many packets each write stands for; each write is looked at as a kernel would. */
function coalesce(
  packets: readonly Uint8Array[],
  { udp = true, slots = SLOTS }: { udp?: boolean; slots?: Slots } = {},
): number[] {
  const coalescer = new Coalescer({ ...offload, plan, udp });
  coalescer.begin();
  const offsets = fillSlots(arena, slots, packets);
  for (const [i, packet] of packets.entries()) coalescer.add(offsets[i]!, packet.length);
  coalescer.finish();
  return writesOf(arena, plan).map((write) => takeWrite(write).length);
}

/** Consecutive packets of one flow, with the fields that `change` gives for the i-th. */
function flow(count: number, change: (i: number) => Partial<PacketFields> = () => ({}), bytes = 1000): Uint8Array[] {
  let sequence = 0xffff_f000;
  return Array.from({ length: count }, (_, i) => {
    const payload = new Uint8Array(bytes).fill(i);
    const fields: Partial<PacketFields> = {
      payload,
      sequence: sequence >>> 0,
      identification: 65_530 + i,
      ...change(i),
    };
    sequence += (fields.payload ?? payload).length;
    return buildPacket(fields);
  });
}

/** The same change in the third of five packets only. */
const third = (change: Partial<PacketFields>) => flow(5, (i) => (i === 2 ? change : {}));

for (const family of [4, 6] as const) {
  for (const protocol of ['tcp', 'udp'] as const) {
    test(`consecutive packets of one ${protocol} flow over IPv${family} are one write`, () => {
      assert.deepEqual(coalesce(flow(40, () => ({ family, protocol }))), [40]);
    });

    test(`a shorter packet ends a run of ${protocol} over IPv${family}, a longer one begins another`, () => {
      const sizes = [1000, 1000, 999, 1000, 1001, 1001];
      const packets = flow(6, (i) => ({ family, protocol, payload: new Uint8Array(sizes[i]!) }));
      assert.deepEqual(coalesce(packets), [3, 1, 2]);
    });
  }
}

for (const family of [4, 6] as const)
  test(`it does not matter where packets lie, as long as it is at a multiple of 4: IPv${family}`, () => {
    for (const shift of [0, 4, 8, 12])
      for (const stride of [2048, 2044, 2040, 2036]) {
        const slots = { ...SLOTS, packet: SLOTS.packet + shift, stride };
        assert.deepEqual(
          coalesce(
            flow(30, () => ({ family })),
            { slots },
          ),
          [30],
          `${shift}, ${stride}`,
        );
      }
  });

test('several flows at once are each merged, in their order', () => {
  const flows = [1, 2, 3, 4].map((source) => flow(10, () => ({ source })));
  const mixed = Array.from({ length: 40 }, (_, i) => flows[i % 4]![Math.floor(i / 4)]!);
  assert.deepEqual(coalesce(mixed), [10, 10, 10, 10]);
});

test('more flows than can be open at a time are written all the same', () => {
  const flows = Array.from({ length: 20 }, (_, source) => flow(2, () => ({ source })));
  const mixed = Array.from({ length: 40 }, (_, i) => flows[i % 20]![Math.floor(i / 20)]!);
  const writes = coalesce(mixed);
  assert.equal(
    writes.reduce((sum, count) => sum + count, 0),
    40,
  );
});

test('the two directions of a flow, and two ports, are different flows', () => {
  const there = flow(3);
  const back = flow(3, () => ({ source: 2, destination: 1, sourcePort: 5201, destinationPort: 40_000 }));
  const other = flow(3, () => ({ sourcePort: 40_001 }));
  assert.deepEqual(coalesce([0, 1, 2].flatMap((i) => [there[i]!, back[i]!, other[i]!])), [3, 3, 3]);
});

const SPLITS: [string, Uint8Array[], number[]][] = [
  ['PSH is the last of its run', third({ flags: ACK | PSH }), [3, 2]],
  ['FIN is the last of its run', third({ flags: ACK | FIN }), [3, 2]],
  ['CWR is in no run', third({ flags: ACK | CWR }), [2, 1, 2]],
  ['ECE begins another run', third({ flags: ACK | ECE }), [2, 1, 2]],
  ['SYN is in no run', third({ flags: SYN | ACK }), [2, 1, 2]],
  ['RST is in no run', third({ flags: RST | ACK }), [2, 1, 2]],
  ['URG is in no run', third({ flags: URG | ACK }), [2, 1, 2]],
  ['data without ACK is in no run', third({ flags: 0 }), [2, 1, 2]],
  ['a mark of congestion is not lost', third({ tos: 3 }), [2, 1, 2]],
  ['another time to live', third({ ttl: 63 }), [2, 1, 2]],
  ['another window', third({ window: 501 }), [2, 1, 2]],
  ['another acknowledgment', third({ acknowledgment: 2001 }), [2, 1, 2]],
  ['an urgent pointer', third({ urgent: 1 }), [2, 1, 2]],
  ['other options', third({ options: new Uint8Array(4).fill(1) }), [2, 1, 2]],
  ['IPv4 options', third({ ipOptions: new Uint8Array(4).fill(1) }), [2, 1, 2]],
  ['a packet that may be fragmented among others', third({ dontFragment: false }), [2, 1, 2]],
  ['a repeated packet', third({ sequence: 0xffff_f000 }), [2, 1, 2]],
  ['another IPv6 flow label', flow(5, (i) => ({ family: 6, flowLabel: i === 2 ? 1 : 0 })), [2, 1, 2]],
  ['another IPv6 traffic class', flow(5, (i) => ({ family: 6, tos: i === 2 ? 3 : 2 })), [2, 1, 2]],
  ['identifications that count on', flow(8, () => ({ dontFragment: false })), [8]],
  ['identifications that stay', flow(3, () => ({ dontFragment: false, identification: 9 })), [1, 1, 1]],
  ['any identifications when nothing may be fragmented', flow(3, (i) => ({ identification: 9 * i * i })), [3]],
];
for (const [name, packets, expected] of SPLITS) {
  test(`what is merged and what is not: ${name}`, () => assert.deepEqual(coalesce(packets), expected));
}

test('a pure ACK ends the run of its flow, and of no other', () => {
  const [a, b] = [flow(4), flow(4, () => ({ source: 9 }))];
  const pure = buildPacket({ payload: new Uint8Array(0) });
  assert.deepEqual(coalesce([a[0]!, b[0]!, a[1]!, b[1]!, pure, a[2]!, b[2]!, a[3]!, b[3]!]), [2, 1, 2, 4]);
});

test('a fragment ends all runs, since it may belong to any', () => {
  const fragment = flow(1)[0]!;
  fragment[6] = 0x20;
  setChecksums(fragment);
  assert.deepEqual(coalesce([...flow(2), ...flow(2, () => ({ source: 9 })), fragment, fragment]), [2, 2, 1, 1]);
});

test('a packet with a wrong checksum is handed on as it is, alone', () => {
  for (const at of [11, 17 + 20, 45]) {
    for (const corrupt of [0, 2, 4]) {
      const packets = flow(5);
      packets[corrupt]![at]! ^= 0x10;
      const expected = { 0: [1, 4], 2: [2, 1, 2], 4: [4, 1] }[corrupt];
      assert.deepEqual(coalesce(packets), expected);
      const alone = writesOf(arena, plan)[corrupt === 0 ? 0 : 1]!;
      assert.deepEqual(alone, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...packets[corrupt]!));
    }
  }
});

test('UDP without a checksum, or with a wrong length, is merged with nothing', () => {
  const unchecked = flow(3, () => ({ protocol: 'udp' }));
  for (const packet of unchecked) packet.fill(0, 26, 28);
  assert.deepEqual(coalesce(unchecked), [1, 1, 1]);
  const longer = flow(3, () => ({ protocol: 'udp' }));
  for (const packet of longer) {
    packet[25]!--;
    packet[27]!++;
  }
  assert.deepEqual(coalesce(longer), [1, 1, 1]);
});

test('UDP is merged only where the kernel takes it', () => {
  const packets = flow(3, () => ({ protocol: 'udp' }));
  assert.deepEqual(coalesce(packets, { udp: false }), [1, 1, 1]);
});

test('a write is never longer than an IPv4 packet can be', () => {
  assert.deepEqual(coalesce(flow(40, () => ({}), 1800)), [36, 4]);
});

test('padding behind a packet is cut off', () => {
  const coalescer = new Coalescer({ ...offload, plan, udp: true });
  coalescer.begin();
  const packets = flow(2);
  for (const offset of fillSlots(arena, SLOTS, packets)) coalescer.add(offset, packets[0]!.length + 8);
  coalescer.finish();
  assert.equal(writesOf(arena, plan)[0]!.length, 10 + 40 + 2000);
});

test('what is no IP packet is not taken', () => {
  const coalescer = new Coalescer({ ...offload, plan, udp: true });
  const packet = flow(1)[0]!;
  const refused = (length: number, edit: (bytes: Uint8Array) => void) => {
    const bytes = packet.slice();
    edit(bytes);
    const [offset] = fillSlots(arena, SLOTS, [bytes]);
    coalescer.begin();
    coalescer.add(offset!, length);
    assert.equal(coalescer.finish() + coalescer.refused, 1);
    return coalescer.refused === 1;
  };
  assert.ok(refused(0, () => {}));
  assert.ok(refused(19, () => {}));
  assert.ok(refused(packet.length - 1, () => {}));
  assert.ok(refused(packet.length, (bytes) => (bytes[0] = 0x55)));
  assert.ok(refused(packet.length, (bytes) => (bytes[0] = 0x44)));
  assert.ok(refused(39, (bytes) => (bytes[0] = 0x60)));
  assert.ok(!refused(packet.length, () => {}));
});

test('a batch is no longer than its plan', () => {
  const plan = createWritePlan(1);
  const coalescer = new Coalescer({ ...offload, plan, udp: true });
  coalescer.begin();
  const packet = flow(1)[0]!;
  const [offset] = fillSlots(arena, SLOTS, [packet]);
  coalescer.add(offset!, packet.length);
  assert.throws(() => coalescer.add(offset!, packet.length), RangeError);
  assert.throws(() => new Coalescer({ ...offload, plan: createWritePlan(1025), udp: true }), RangeError);
});
