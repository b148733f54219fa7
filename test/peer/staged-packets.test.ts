import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { StagedPackets } from '../../src/peer/staged-packets.ts';

const ROOM = { headroom: 16, tailroom: 32 };

describe('staged packets', () => {
  it('are a queue of the latest 128', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 600 }), (pushes) => {
        const staged = new StagedPackets(ROOM);
        const expected: number[] = [];
        for (const [i, isPush] of pushes.entries()) {
          if (isPush) {
            assert.equal(staged.push(Uint8Array.of(i, i >>> 8), 0, 2), expected.length < 128);
            expected.push(i);
            if (expected.length > 128) expected.shift();
          } else {
            const packet = staged.shift();
            const number = packet && packet.buffer[packet.offset]! | (packet.buffer[packet.offset + 1]! << 8);
            assert.equal(number, expected.shift());
          }
          assert.equal(staged.length, expected.length);
        }
      }),
    );
  });

  it('are copies with room around them', () => {
    const staged = new StagedPackets(ROOM);
    const packet = Uint8Array.of(9, 1, 2, 3, 9);
    staged.push(packet, 1, 3);
    packet.fill(0);
    const { buffer, offset, length } = staged.shift()!;
    assert.deepEqual([offset, length, buffer.length], [16, 3, 16 + 3 + 32]);
    assert.deepEqual([...buffer.subarray(offset, offset + length)], [1, 2, 3]);
  });

  it('that are cleared are gone', () => {
    const staged = new StagedPackets(ROOM);
    for (let i = 0; i < 200; i++) staged.push(Uint8Array.of(i), 0, 1);
    staged.clear();
    assert.equal(staged.length, 0);
    assert.equal(staged.shift(), undefined);
    assert.equal(staged.push(Uint8Array.of(7), 0, 1), true);
    assert.equal(staged.shift()!.buffer[16], 7);
  });
});
