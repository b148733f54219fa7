/**
 * `struct iovec` from the entries of a scatter or a write plan: readv(2) and writev(2) with no copy.
 */
import type { Arena } from './arena.ts';

export const IOVEC_BYTES = 16;

/**
 * Writes the entries `from` up to `to` (pairs of offset and length) as iovecs to `at`, a multiple of 8. `base`: the
 * address of the arena, below 2^53.
 */
export function writeIovecs(
  arena: Arena,
  entries: Int32Array,
  from: number,
  to: number,
  at: number,
  base: number,
): void {
  const { u32 } = arena;
  let word = at >>> 2;
  for (let entry = from; entry < to; entry++) {
    const address = base + entries[2 * entry]!;
    u32[word] = address;
    u32[word + 1] = address / 0x1_0000_0000;
    u32[word + 2] = entries[2 * entry + 1]!;
    u32[word + 3] = 0;
    word += 4;
  }
}
