/** Random bytes that a seed repeats: SplitMix32. */
import type { RandomBytes } from '../../src/clock.ts';

export function seededRandom(seed: number): RandomBytes {
  let state = seed;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) & 0xff;
  };
  return (length) => Uint8Array.from({ length }, next);
}
