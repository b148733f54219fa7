import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readUint16BE } from '../../src/bytes.ts';
import { createJavascriptOffload, createOffload } from '../../src/offload/wasm-kernel.ts';
import { createScatter, predictScatter } from '../../src/offload/split.ts';
import { GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, type VirtioNetHeader } from '../../src/offload/virtio-net-header.ts';
import { ARENA_BYTES, checkGuards, setGuards, SLOTS, SPILL } from './arena.ts';
import { anyFields, anyPacket } from './arbitrary.ts';
import {
  ACK,
  buildPacket,
  CWR,
  FIN,
  headerBytes,
  ipHeaderBytes,
  isAcceptable,
  isTcp,
  makePartial,
  PSH,
  segment,
} from './packets.ts';
import { readInto, split, virtioHeaderFor } from './tun.ts';

const offload = createOffload(ARENA_BYTES);
const { arena } = offload;

/** A large packet as the kernel leaves it, and its segments' size. */
const anyLarge = fc
  .tuple(anyPacket({ maxPayload: 40_000 }), fc.integer({ min: 1, max: 1700 }))
  .map(([packet, size]): [Uint8Array, number] => [makePartial(packet), Math.max(size, Math.ceil(packet.length / 300))]);

/** Headers and segment size of the packet before: the same, or any others. */
const anyBefore = fc.option(fc.tuple(fc.constantFrom(28, 40, 52, 60, 72, 100), fc.integer({ min: 1, max: 1800 })));

test('a large packet is split as the kernel would, wherever a scattering read put it', () => {
  for (const offload of [createOffload(ARENA_BYTES), createJavascriptOffload(ARENA_BYTES)]) {
    setGuards(offload.arena);
    fc.assert(
      fc.property(anyLarge, anyBefore, ([large, segmentBytes], before) => {
        const scatter = createScatter(offload.arena, SLOTS, SPILL);
        predictScatter(scatter, ...(before ?? ([headerBytes(large), segmentBytes] as const)));
        readInto(offload.arena, scatter, virtioHeaderFor(large, segmentBytes), large);
        const { packets, refusal } = split(offload, scatter, large.length);
        assert.equal(refusal, undefined);
        assert.deepEqual(packets, segment(large, segmentBytes));
        assert.ok(packets.every(isAcceptable));
        checkGuards(offload.arena);
      }),
    );
  }
});

test('the second of two alike is split without copying its payload', () => {
  const large = makePartial(
    buildPacket({ payload: new Uint8Array(40_000).fill(1), options: new Uint8Array(12).fill(1) }),
  );
  const scatter = createScatter(arena, SLOTS, SPILL);
  const inPlace = [1, 2].map(() => {
    readInto(arena, scatter, virtioHeaderFor(large, 1368), large);
    return split(offload, scatter, large.length).inPlace;
  });
  assert.deepEqual(inPlace, [false, true]);
});

test('a prediction that changes nothing says so, and one whose headers might be torn is not made', () => {
  const scatter = createScatter(arena, SLOTS, SPILL);
  assert.equal(predictScatter(scatter, 40, 1400), true);
  assert.equal(predictScatter(scatter, 40, 1400), false);
  assert.equal(predictScatter(scatter, 40, 20), false);
  assert.equal(predictScatter(scatter, 40, SLOTS.room), false);
  assert.deepEqual([scatter.headerBytes, scatter.segmentBytes], [40, 1400]);
});

test('FIN and PSH are on the last segment only, CWR on the first only', () => {
  const flags = ACK | FIN | PSH | CWR;
  const large = makePartial(buildPacket({ payload: new Uint8Array(60_000), flags }));
  const scatter = createScatter(arena, SLOTS, SPILL);
  readInto(arena, scatter, virtioHeaderFor(large, 600), large);
  const { packets } = split(offload, scatter, large.length);
  assert.equal(packets.length, 100);
  assert.deepEqual(
    packets.map((packet) => packet[33]),
    [ACK | CWR, ...Array.from({ length: 98 }, () => ACK), ACK | FIN | PSH],
  );
});

test('a packet that only lacks its checksum gets it', () => {
  fc.assert(
    fc.property(anyPacket(), (packet) => {
      const scatter = createScatter(arena, SLOTS, SPILL);
      const partial = makePartial(packet.slice());
      readInto(arena, scatter, virtioHeaderFor(partial, 0), partial);
      const { packets } = split(offload, scatter, packet.length);
      // Zero and all ones are the same checksum; the kernel writes ones where it completes one by itself.
      const checksumAt = ipHeaderBytes(packet) + (isTcp(packet) ? 16 : 6);
      if (readUint16BE(packet, checksumAt) === 0) packet.fill(0xff, checksumAt, checksumAt + 2);
      assert.deepEqual(packets, [packet]);
    }),
  );
});

test('a header that contradicts its packet is refused, with the reason', () => {
  const tcp4 = makePartial(buildPacket({ payload: new Uint8Array(3000) }));
  const tcp6 = makePartial(buildPacket({ family: 6, payload: new Uint8Array(3000) }));
  const udp4 = makePartial(buildPacket({ protocol: 'udp', payload: new Uint8Array(3000) }));
  const refuses = (packet: Uint8Array, change: Partial<VirtioNetHeader>, edit?: (packet: Uint8Array) => void) => {
    const scatter = createScatter(arena, SLOTS, SPILL);
    const edited = packet.slice();
    edit?.(edited);
    readInto(arena, scatter, { ...virtioHeaderFor(packet, 1000), ...change }, edited);
    const { refusal, packets } = split(offload, scatter, edited.length);
    assert.deepEqual(packets, []);
    return refusal;
  };
  assert.equal(refuses(tcp4, { segmentBytes: 0 }), 'gso size');
  assert.equal(refuses(tcp4, { gsoType: 3 }), 'gso type');
  assert.equal(refuses(tcp4, { flags: 0 }), 'checksum offset');
  assert.equal(refuses(tcp4, { csumOffset: 6 }), 'checksum offset');
  assert.equal(refuses(tcp4, { gsoType: GSO_TCPV6 }), 'ip header');
  assert.equal(refuses(tcp6, { gsoType: GSO_TCPV4 }), 'ip header');
  assert.equal(refuses(tcp4, { gsoType: GSO_UDP_L4, csumOffset: 6 }), 'ip header');
  assert.equal(refuses(udp4, { gsoType: GSO_TCPV4, csumOffset: 16 }), 'ip header');
  assert.equal(refuses(tcp4, { csumStart: 24 }), 'ip header');
  assert.equal(refuses(tcp6, { csumStart: 65_535 }), 'ip header');
  assert.equal(refuses(tcp6, { csumStart: 44 }), 'ip header');
  assert.equal(
    refuses(tcp4, {}, (packet) => packet[2]!++),
    'ip length',
  );
  assert.equal(
    refuses(tcp6, {}, (packet) => packet[5]!++),
    'ip length',
  );
  assert.equal(
    refuses(tcp4, {}, (packet) => (packet[6] = 0x20)),
    'ip fragment',
  );
  assert.equal(
    refuses(tcp6, { csumStart: 48 }, (packet) => (packet[6] = 44)),
    'ip fragment',
  );
  assert.equal(
    refuses(tcp6, { csumStart: 48 }, (packet) => (packet[6] = 43)),
    'ip extension header',
  );
  assert.equal(
    refuses(tcp4, {}, (packet) => (packet[32] = 0x40)),
    'transport header',
  );
  assert.equal(refuses(tcp4, { segmentBytes: 2500 }), 'segment too long');
  assert.equal(refuses(makePartial(buildPacket({ payload: new Uint8Array(0) })), {}), 'no payload');
  const single = { gsoType: 0, segmentBytes: 0 };
  const small = makePartial(buildPacket({ payload: new Uint8Array(10) }));
  assert.equal(refuses(small, { ...single, csumStart: 40 }), 'checksum offset');
  assert.equal(refuses(small, { ...single, csumStart: 0 }), 'checksum offset');
});

test('IPv6 options that go with each segment are repeated, and are no part of the checksum', () => {
  const plain = makePartial(buildPacket({ family: 6, payload: new Uint8Array(3000).fill(3) }));
  const options = Uint8Array.of(6, 0, 1, 4, 0, 0, 0, 0);
  const extend = (packet: Uint8Array) => {
    const extended = Uint8Array.of(...packet.subarray(0, 40), ...options, ...packet.subarray(40));
    extended[6] = 0;
    new DataView(extended.buffer).setUint16(4, packet.length - 40 + options.length);
    return extended;
  };
  const scatter = createScatter(arena, SLOTS, SPILL);
  readInto(arena, scatter, { ...virtioHeaderFor(plain, 1000), csumStart: 48 }, extend(plain));
  const { packets } = split(offload, scatter, plain.length + options.length);
  assert.deepEqual(packets, segment(plain, 1000).map(extend));
});

test('arbitrary bytes with an arbitrary header: no throw, nothing outside the slots, a bounded number of segments', () => {
  setGuards(arena);
  const anyHeader = fc.record({
    flags: fc.constantFrom(0, 1, 2, 3, 255),
    gsoType: fc.constantFrom(0, 1, 3, 4, 5, 0x81, 0x84, 255),
    headerBytes: fc.nat(0xffff),
    segmentBytes: fc.oneof(fc.constantFrom(0, 1, 65_535), fc.nat(2000)),
    csumStart: fc.oneof(fc.constantFrom(20, 40, 48), fc.nat(0xffff)),
    csumOffset: fc.oneof(fc.constantFrom(6, 16), fc.nat(0xffff)),
  });
  const anyBytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 2500 }),
    fc
      .tuple(anyFields({ maxPayload: 5000 }), fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 4 }))
      .map(([fields, edits]) => {
        const packet = buildPacket(fields);
        for (const [at, value] of edits) packet[at % packet.length] = value;
        return packet;
      }),
  );
  fc.assert(
    fc.property(anyBytes, anyHeader, anyBefore, (packet, header, before) => {
      const scatter = createScatter(arena, SLOTS, SPILL);
      if (before) predictScatter(scatter, ...before);
      readInto(arena, scatter, header, packet);
      const { packets, refusal } = split(offload, scatter, packet.length);
      assert.equal(packets.length === 0, refusal !== undefined);
      assert.ok(packets.length <= packet.length);
      checkGuards(arena);
    }),
    { numRuns: 1000 },
  );
});
