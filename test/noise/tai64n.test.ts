/** Timestamps: section 5.1, and https://cr.yp.to/libtai/tai64.html for the format. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeHex } from '../../src/bytes.ts';
import { compareTai64n, Tai64nSource } from '../../src/noise/tai64n.ts';

/** 1970 to 2514, in fractions of a millisecond: beyond 2^32 seconds. */
const wallMs = fc.double({ min: 0, max: 2 ** 34 * 1000, noNaN: true });

test('1970-01-01T00:00:00Z is 2^62 + 10 seconds, big endian', () => {
  assert.equal(encodeHex(new Tai64nSource().next(0)), '400000000000000a00000000');
});

test('seconds carry into the upper half after the year 2106', () => {
  assert.equal(encodeHex(new Tai64nSource().next((2 ** 32 - 10) * 1000)), '400000010000000000000000');
});

test('nanoseconds are whitened to multiples of 2^24', () => {
  assert.equal(encodeHex(new Tai64nSource().next(1_700_000_000_016)), '400000006553f10a00000000');
  assert.equal(encodeHex(new Tai64nSource().next(1_700_000_000_017)), '400000006553f10a01000000');
  assert.equal(encodeHex(new Tai64nSource().next(1_700_000_000_999.999)), '400000006553f10a3b000000');
});

test('timestamps order as the clock does, once it moved by 16.8 ms', () => {
  fc.assert(
    fc.property(wallMs, fc.double({ min: 16.8, max: 1e9, noNaN: true }), (wall, step) => {
      const [earlier, later] = [new Tai64nSource().next(wall), new Tai64nSource().next(wall + step)];
      assert.ok(compareTai64n(earlier, later) < 0);
      assert.ok(compareTai64n(later, earlier) > 0);
      assert.equal(compareTai64n(earlier, earlier.slice()), 0);
    }),
  );
});

test('each timestamp of one source is greater than the one before, whatever the wall clock does', () => {
  fc.assert(
    fc.property(fc.array(wallMs, { minLength: 2, maxLength: 100 }), (walls) => {
      const source = new Tai64nSource();
      let last: Uint8Array = new Uint8Array(12);
      for (const wall of walls) {
        const next = source.next(wall);
        assert.ok(compareTai64n(next, last) > 0);
        assert.equal(next[9]! | next[10]! | next[11]!, 0, 'not whitened');
        assert.ok(new DataView(next.buffer).getUint32(8) < 1_000_000_000);
        last = next;
      }
    }),
  );
});

test('a clock that stands still for a thousand initiations is ahead by 17 s at most, and then followed again', () => {
  const source = new Tai64nSource();
  const wall = 1_700_000_000_000;
  let last = source.next(wall);
  for (let i = 0; i < 1000; i++) {
    const next = source.next(wall);
    assert.ok(compareTai64n(next, last) > 0);
    last = next;
  }
  assert.ok(compareTai64n(last, new Tai64nSource().next(wall + 17_000)) < 0);
  assert.deepEqual(source.next(wall + 17_000), new Tai64nSource().next(wall + 17_000));
});
