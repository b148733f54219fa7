/**
 * The replay window of section 5.4.6 as RFC 6479 builds it: a ring of words that holds one bit for each of the latest
 * counters. Moving the window clears whole words instead of shifting bits. Plain numbers, no allocation per packet.
 */

const WORD_BITS = 32;
const WORDS = 256;

/** Counters this far below the greatest are refused unseen: the ring less the word that is being filled. */
export const REPLAY_WINDOW = (WORDS - 1) * WORD_BITS;

export class ReplayWindow {
  readonly #ring = new Uint32Array(WORDS);
  #greatest = -1;

  /** Records an authenticated counter (an integer below 2^53). False when it was seen before or is too old to know. */
  accept(counter: number): boolean {
    if (counter > this.#greatest) this.#moveTo(counter);
    else if (this.#greatest - counter >= REPLAY_WINDOW) return false;
    const word = wordOf(counter) & (WORDS - 1);
    const bit = 1 << (counter & (WORD_BITS - 1));
    const seen = this.#ring[word]!;
    if ((seen & bit) !== 0) return false;
    this.#ring[word] = seen | bit;
    return true;
  }

  #moveTo(counter: number): void {
    const last = wordOf(counter);
    const first = Math.max(wordOf(this.#greatest) + 1, last - WORDS + 1);
    for (let word = first; word <= last; word++) this.#ring[word & (WORDS - 1)] = 0;
    this.#greatest = counter;
  }
}

/** Division, not a shift: counters go beyond 32 bits. */
function wordOf(counter: number): number {
  return Math.floor(counter / WORD_BITS);
}
