/** The table of receiver indices, against a Map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { IndexMap } from '../../src/plane/index-map.ts';

test('it finds what was set and not deleted, whatever collides', () => {
  // Few low bits, so that most of them want the same places.
  const index = fc.integer({ min: 0, max: 9 }).map((n) => (n * 0x1000_0000 + (n % 3)) >>> 0);
  const step = fc.tuple(index, fc.option(fc.nat(1000)));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const map = new IndexMap(new Int32Array(2 * 32));
      const model = new Map<number, number>();
      for (const [index, row] of steps) {
        if (row === null) {
          map.delete(index);
          model.delete(index);
        } else {
          map.set(index, row);
          model.set(index, row);
        }
        for (let n = 0; n < 10; n++) {
          const key = (n * 0x1000_0000 + (n % 3)) >>> 0;
          assert.equal(map.get(key), model.get(key) ?? -1);
          assert.equal(map.get(key | 0), model.get(key) ?? -1, 'as a signed number it is the same');
        }
      }
    }),
  );
});
