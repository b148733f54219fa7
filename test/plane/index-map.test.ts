/** The table of receiver indices, against a Map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { IndexMap, indexMapBytes } from '../../src/plane/index-map.ts';

test('it finds what was set and not deleted, whatever collides', () => {
  // Few low bits, so that most of them want the same places.
  const index = fc.integer({ min: 0, max: 9 }).map((n) => (n * 0x1000_0000 + (n % 3)) >>> 0);
  const step = fc.tuple(index, fc.option(fc.nat(1000)));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const map = createMap(32);
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

test('it keeps what it has as it takes more of its memory', () => {
  const memory = new Int32Array(indexMapBytes(512) / 4);
  const map = new IndexMap(memory);
  const other = new IndexMap(memory);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: 200, maxLength: 256 }),
      (indices) => {
        memory.fill(0);
        for (const [row, index] of indices.entries()) map.set(index, row);
        for (const [row, index] of indices.entries()) assert.equal(other.get(index), row);
        for (const index of indices.slice(1)) map.delete(index);
        assert.deepEqual(
          indices.map((index) => other.get(index)),
          indices.map((_, row) => (row === 0 ? 0 : -1)),
        );
      },
    ),
    { numRuns: 20 },
  );
});

test('a few entries touch no more than the first page', () => {
  const memory = new Int32Array(indexMapBytes(1 << 16) / 4);
  const map = new IndexMap(memory);
  for (let row = 0; row < 100; row++) map.set(Math.imul(row + 1, 0x9e37_79b1), row);
  const last = memory.findLastIndex((word) => word !== 0);
  assert.ok(last < 1024, `word ${last} of ${memory.length}`);
});

function createMap(places: number): IndexMap {
  return new IndexMap(new Int32Array(indexMapBytes(places) / 4));
}
