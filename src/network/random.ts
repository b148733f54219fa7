/** Unbiased choices from a source of random bytes. */
import type { RandomBytes } from '../clock.ts';

/** A whole number from 0 to `below` - 1, each as likely as the others. `below` is at most 2^32. */
export function randomBelow(below: number, random: RandomBytes): number {
  if (!Number.isInteger(below) || below < 1 || below > 2 ** 32)
    throw new RangeError(`"below" expected 1 to 2^32, got ${below}`);
  // Values past the last whole multiple would favour small results.
  const limit = 2 ** 32 - (2 ** 32 % below);
  for (;;) {
    const value = new DataView(random(4).buffer).getUint32(0);
    if (value < limit) return value % below;
  }
}
