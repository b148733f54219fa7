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
      const bytes = fc.uint8Array({ maxLength: 300, size: 'max' });
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

    test('a sum of the longest packet of the words whose means are rounded most is right', () => {
      const { arena, kernel } = create(ARENA_BYTES);
      const data = new Uint8Array(65_575);
      // Eight vectors of 16 bytes, in a tree of pairs: each mean is a half and is rounded up to the next number.
      const rounded = [0, 1, 1, 2, 1, 2, 2, 3];
      for (let word = 0; 2 * word < data.length; word++) data[2 * word] = rounded[(word >>> 3) & 7]!;
      arena.bytes.set(data, SLOTS.packet);
      assert.equal(kernel.sum(SLOTS.packet, data.length), swap16(onesComplementSum(data)));
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

    test('segments follow each other in their run, until one of them has a bit turned', () => {
      const { arena, kernel } = create(ARENA_BYTES);
      const { stride } = SLOTS;
      const sizes = fc.constantFrom([60, 1, 30], [9000, 200, 1700]); // of a payload, and of segments
      const anyRun = sizes
        .chain(([maxPayload, min, max]) => fc.tuple(anyPacket({ maxPayload }), fc.integer({ min, max })))
        .map(([large, segmentBytes]) =>
          segment(large, segmentBytes).filter((data, _, all) => data.length === all[0]!.length),
        )
        // Those that coalescing asks for: without IP options; flags that are all packets', so none but the last has PSH.
        .filter((run) => run.length > 2 && (run[0]![0]! >>> 4 === 6 || ipHeaderBytes(run[0]!) === 20));
      fc.assert(
        fc.property(anyRun, fc.nat(3), fc.nat(), fc.nat(), (run, shift, which, bit) => {
          const packet = SLOTS.packet + 4 * shift;
          const [first] = run;
          const headers = headerBytes(first!);
          const payloadBytes = first!.length - headers;
          const protocol = isTcp(first!) ? 6 : 17;
          const ask = (number: number, count: number): number => {
            const at = packet + number * stride;
            const ip = ipHeaderBytes(first!);
            return kernel.countFollowing(packet, number, at, stride, count, headers, ip, payloadBytes, protocol);
          };
          const flagsOf = (data: Uint8Array): number => (isTcp(data) ? data[ipHeaderBytes(data) + 13]! : 0);
          for (const [slot, data] of run.entries()) arena.bytes.set(data, packet + slot * stride);
          const alike = run.slice(1).findIndex((data) => flagsOf(data) !== flagsOf(first!));
          const expected = alike < 0 ? run.length - 1 : alike;
          assert.equal(ask(1, run.length - 1), expected);
          if (expected === 0) return;
          assert.equal(ask(2, expected - 1), expected - 1);
          // Its headers and payload are covered, all of them: by a checksum, or by being the same.
          const turned = 1 + (which % expected);
          arena.bytes[packet + turned * stride + ((bit >>> 3) % first!.length)]! ^= 1 << (bit & 7);
          assert.equal(ask(1, expected), turned - 1);
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
