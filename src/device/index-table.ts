/**
 * Receiver indices (section 5.4): 32 random bits that name one of our handshakes or keypairs to the peer.
 *
 * Random and never sequential: an observer must not learn how many handshakes a host makes, nor guess a valid index.
 */
import { readUint32LE } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';

export class IndexTable<Entry> {
  readonly #entries = new Map<number, Entry>();
  readonly #random: RandomBytes;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** Reserves an index that is not in use for `entry`. */
  allocate(entry: Entry): number {
    for (;;) {
      const index = readUint32LE(this.#random(4), 0);
      if (this.#entries.has(index)) continue;
      this.#entries.set(index, entry);
      return index;
    }
  }

  get(index: number): Entry | undefined {
    return this.#entries.get(index);
  }

  free(index: number): void {
    this.#entries.delete(index);
  }

  get size(): number {
    return this.#entries.size;
  }
}
