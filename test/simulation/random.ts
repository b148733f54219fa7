/** Seeded randomness for simulations: the same seed gives the same run. Not for keys of anybody. */
import type { RandomBytes } from '../../src/clock.ts';

export interface SeededRandom {
  /** In [0, 1). */
  number(): number;
  bytes: RandomBytes;
}

/** The generator mulberry32. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const number = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { number, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(256 * number())) };
}
