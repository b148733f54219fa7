/**
 * The replay window of section 5.4.6 as RFC 6479 builds it: a ring of words that holds one bit for each of the latest
 * counters. Moving the window clears whole words instead of shifting bits. Plain numbers, no allocation per packet.
 */

const WORD_BITS = 32;
export const REPLAY_WORDS = 256;

/** Counters this far below the greatest are refused unseen: the ring less the word that is being filled. */
export const REPLAY_WINDOW = (REPLAY_WORDS - 1) * WORD_BITS;

/** What a window remembers; nothing but zeros for a new one. */
export interface ReplayMemory {
  /** One number: the greatest counter so far. */
  readonly greatest: Float64Array;
  /** REPLAY_WORDS of them. */
  readonly ring: Uint32Array;
}

export class ReplayWindow {
  readonly #ring: Uint32Array;
  readonly #greatest: Float64Array;

  constructor(memory: ReplayMemory = { greatest: new Float64Array(1), ring: new Uint32Array(REPLAY_WORDS) }) {
    this.#ring = memory.ring;
    this.#greatest = memory.greatest;
  }

  /** Records an authenticated counter (an integer below 2^53). False when it was seen before or is too old to know. */
  accept(counter: number): boolean {
    const greatest = this.#greatest[0]!;
    if (counter > greatest) this.#moveTo(counter, greatest);
    else if (greatest - counter >= REPLAY_WINDOW) return false;
    const word = wordOf(counter) & (REPLAY_WORDS - 1);
    const bit = 1 << (counter & (WORD_BITS - 1));
    const seen = this.#ring[word]!;
    if ((seen & bit) !== 0) return false;
    this.#ring[word] = seen | bit;
    return true;
  }

  #moveTo(counter: number, greatest: number): void {
    const last = wordOf(counter);
    const first = Math.max(wordOf(greatest) + 1, last - REPLAY_WORDS + 1);
    for (let word = first; word <= last; word++) this.#ring[word & (REPLAY_WORDS - 1)] = 0;
    this.#greatest[0] = counter;
  }
}

/** Division, not a shift: counters go beyond 32 bits. */
function wordOf(counter: number): number {
  return Math.floor(counter / WORD_BITS);
}
