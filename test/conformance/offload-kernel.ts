/**
 * The suite of OffloadKernel: every implementation of it does the same as the slow reference.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { swap16 } from '../../src/offload/checksum.ts';
import { HOLDS_FIRST, HOLDS_LAST, type Offload } from '../../src/offload/kernel.ts';
import { ARENA_BYTES, checkGuards, setGuards, SLOTS } from '../offload/arena.ts';
import { anyPacket } from '../offload/arbitrary.ts';
import { headerBytes, ipHeaderBytes, isTcp, onesComplementSum, segment } from '../offload/packets.ts';

export function checkOffloadKernel(name: string, create: (bytes: number) => Offload): void {
  suite(`offload kernel: ${name}`, () => {
    test('a sum is that of RFC 1071, at every offset and length', () => {
      const { arena, kernel } = create(ARENA_BYTES);
      const bytes = fc.uint8Array({ maxLength: 300 });
      fc.assert(
        fc.property(bytes, fc.nat(63), (data, shift) => {
          arena.bytes.set(data, SLOTS.packet + shift);
          const expected = onesComplementSum(data);
          // Both zeros of ones' complement are right.
          assert.equal(swap16(kernel.sum(SLOTS.packet + shift, data.length)) % 0xffff, expected % 0xffff);
        }),
      );
    });

    test('a sum of the longest packet of the largest words does not overflow', () => {
      const { arena, kernel } = create(ARENA_BYTES);
      arena.bytes.fill(0xff);
      assert.equal(kernel.sum(SLOTS.packet, 65_575), swap16(onesComplementSum(new Uint8Array(65_575).fill(0xff))));
    });

    test('a packet is intact, and no longer with any of its bits turned', () => {
      const { arena, kernel } = create(ARENA_BYTES);
      const { packet } = SLOTS;
      fc.assert(
        fc.property(anyPacket(), fc.nat(), (data, bit) => {
          const protocol = isTcp(data) ? 6 : 17;
          arena.bytes.set(data, packet);
          assert.ok(kernel.intact(packet, data.length, ipHeaderBytes(data), protocol));
          // What the checksums cover: in IPv6 not the first eight bytes; the version says which rules hold.
          const first = data[0]! >>> 4 === 4 ? 1 : 8;
          const at = packet + first + ((bit >>> 3) % (data.length - first));
          arena.bytes[at]! ^= 1 << (bit & 7);
          assert.ok(!kernel.intact(packet, data.length, ipHeaderBytes(data), protocol));
        }),
      );
    });

    test('segments are those of the reference, and nothing is written outside their slots', () => {
      const { arena, kernel } = create(ARENA_BYTES);
      setGuards(arena);
      const { packet, stride } = SLOTS;
      fc.assert(
        fc.property(anyPacket({ maxPayload: 9000 }), fc.integer({ min: 200, max: 1700 }), (large, segmentBytes) => {
          const headers = headerBytes(large);
          const expected = segment(large, segmentBytes);
          arena.bytes.set(large.subarray(0, headers), packet);
          for (const [slot, { length }] of expected.entries()) {
            const from = headers + slot * segmentBytes;
            arena.bytes.set(large.subarray(from, from + length - headers), packet + slot * stride + headers);
          }
          const lastBytes = expected[expected.length - 1]!.length - headers;
          const protocol = isTcp(large) ? 6 : 17;
          const ends = HOLDS_FIRST | HOLDS_LAST;
          const ip = ipHeaderBytes(large);
          kernel.finishSegments(packet, stride, expected.length, headers, ip, segmentBytes, lastBytes, protocol, ends);
          for (const [slot, data] of expected.entries()) {
            const from = packet + slot * stride;
            assert.deepEqual(arena.bytes.slice(from, from + data.length), data, `segment ${slot}`);
          }
          checkGuards(arena);
        }),
      );
    });
  });
}
