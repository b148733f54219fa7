/**
 * A hash table in shared memory: receiver index to row. Open addressing with linear probing; indices are random, so that they
 * are their own hash. Only the control thread changes it, at the gate.
 *
 * Of its memory it uses as much as its entries need: spread over all of it, each new one would cost a page of its own.
 */

/** The first two words: one less than the places in use, but 0 for FIRST_PLACES in fresh memory; and how many entries there are. */
const MASK = 0;
const COUNT = 1;
const HEADER_WORDS = 2;
const FIRST_PLACES = 64;
/** A free place's row. Rows are kept as row + 1, so that fresh memory is an empty table. */
const FREE = 0;

/** Bytes for a power of two of places, at least twice the entries that it gets. */
export function indexMapBytes(places: number): number {
  return 4 * (HEADER_WORDS + 2 * places);
}

export class IndexMap {
  readonly #header: Int32Array;
  readonly #cells: Int32Array;
  readonly #most: number;

  /** `memory`: of `indexMapBytes`, whole words. */
  constructor(memory: Int32Array) {
    this.#header = memory.subarray(0, HEADER_WORDS);
    this.#cells = memory.subarray(HEADER_WORDS);
    this.#most = this.#cells.length / 2;
  }

  /** The row of an index, -1 for none. */
  get(index: number): number {
    const key = index | 0;
    const mask = this.#mask;
    for (let place = key & mask; ; place = (place + 1) & mask) {
      const row = this.#cells[2 * place + 1]!;
      if (row === FREE) return -1;
      if (this.#cells[2 * place] === key) return row - 1;
    }
  }

  set(index: number, row: number): void {
    const key = index | 0;
    if (this.#put(key, row + 1)) return;
    const count = ++this.#header[COUNT]!;
    if (2 * count > this.#mask + 1 && this.#mask + 1 < this.#most) this.#double();
  }

  /** Closes the gap, so that no look-up ends at it. */
  delete(index: number): void {
    const key = index | 0;
    const mask = this.#mask;
    let gap = key & mask;
    while (this.#cells[2 * gap] !== key || this.#cells[2 * gap + 1] === FREE) {
      if (this.#cells[2 * gap + 1] === FREE) return;
      gap = (gap + 1) & mask;
    }
    for (let place = (gap + 1) & mask; this.#cells[2 * place + 1] !== FREE; place = (place + 1) & mask) {
      const home = this.#cells[2 * place]! & mask;
      // It may move to the gap unless its home lies between the gap and it.
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      this.#cells[2 * gap] = this.#cells[2 * place]!;
      this.#cells[2 * gap + 1] = this.#cells[2 * place + 1]!;
      gap = place;
    }
    this.#cells[2 * gap + 1] = FREE;
    this.#header[COUNT]! -= 1;
  }

  get #mask(): number {
    const mask = this.#header[MASK]!;
    return mask === 0 ? Math.min(FIRST_PLACES, this.#most) - 1 : mask;
  }

  /** Whether the key was there before. */
  #put(key: number, value: number): boolean {
    const mask = this.#mask;
    let place = key & mask;
    while (this.#cells[2 * place + 1] !== FREE && this.#cells[2 * place] !== key) place = (place + 1) & mask;
    const isKnown = this.#cells[2 * place + 1] !== FREE;
    this.#cells[2 * place] = key;
    this.#cells[2 * place + 1] = value;
    return isKnown;
  }

  /** Each entry gets its place anew. */
  #double(): void {
    const places = this.#mask + 1;
    const former = this.#cells.slice(0, 2 * places);
    this.#cells.fill(FREE, 0, 2 * places);
    this.#header[MASK] = 2 * places - 1;
    for (let place = 0; place < places; place++)
      if (former[2 * place + 1] !== FREE) this.#put(former[2 * place]!, former[2 * place + 1]!);
  }
}
