/** RFC 6040: figure 4 cell by cell, and a header that stays right. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CE, combineEcn, ECT_0, ECT_1, NOT_ECT, readEcn } from '../../src/device/ecn.ts';
import { createPacket, foldedSum } from '../simulation/packets.ts';

const FIGURE_4 = [
  { inner: NOT_ECT, outer: [NOT_ECT, NOT_ECT, NOT_ECT, undefined] },
  { inner: ECT_0, outer: [ECT_0, ECT_0, ECT_1, CE] },
  { inner: ECT_1, outer: [ECT_1, ECT_1, ECT_1, CE] },
  { inner: CE, outer: [CE, CE, CE, CE] },
];
const ADDRESSES = { 4: { from: '10.0.0.1', to: '10.0.0.2' }, 6: { from: 'fd00::1', to: 'fd00::2' } };

for (const family of [4, 6] as const)
  describe(`congestion marks, IPv${family}`, () => {
    for (const { inner, outer } of FIGURE_4)
      for (const [column, mark] of [NOT_ECT, ECT_0, ECT_1, CE].entries())
        it(`inner ${inner} with outer ${mark} makes ${outer[column] ?? 'a drop'}`, () => {
          const packet = createPacket({ ...ADDRESSES[family], ecn: inner });
          assert.equal(combineEcn(family, packet, 0, mark), outer[column] !== undefined);
          if (outer[column] !== undefined) assert.equal(readEcn(family, packet, 0), outer[column]);
          if (family === 4) assert.equal(foldedSum(packet.subarray(0, 20)), 0xffff);
        });

    it('changes no other bit', () => {
      const packet = createPacket({ ...ADDRESSES[family], ecn: ECT_0 });
      const marked = createPacket({ ...ADDRESSES[family], ecn: CE });
      combineEcn(family, packet, 0, CE);
      assert.deepEqual(packet, marked);
    });
  });
