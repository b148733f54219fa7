import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createArena } from '../../src/offload/arena.ts';
import { IOVEC_BYTES, writeIovecs } from '../../src/offload/iovec.ts';

test('entries become iovecs: addresses on both sides of 4 GiB, lengths, and only the ones asked for', () => {
  const arena = createArena(new ArrayBuffer(256));
  const base = 0x7fff_ffff_0000;
  writeIovecs(arena, Int32Array.of(1, 2, 0x20, 1500, 0x1_0000, 9, 3, 4), 1, 3, 16, base);
  const word = (at: number) => arena.view.getBigUint64(at, true);
  assert.deepEqual(
    [word(16), word(24), word(16 + IOVEC_BYTES), word(24 + IOVEC_BYTES)],
    [0x7fff_ffff_0020n, 1500n, 0x8000_0000_0000n, 9n],
  );
  assert.deepEqual([word(8), word(16 + 2 * IOVEC_BYTES)], [0n, 0n]);
});
