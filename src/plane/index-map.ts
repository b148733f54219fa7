/**
 * A hash table in shared memory: receiver index to row. Open addressing with linear probing; indices are random, so that they
 * are their own hash. Only the control thread changes it, at the gate.
 */

/** A free cell's row. Rows are kept as row + 1, so that fresh memory is an empty table. */
const FREE = 0;

export class IndexMap {
  readonly #cells: Int32Array;
  readonly #mask: number;

  /** `cells`: two words for each place; a power of two of places, at least twice the entries that it gets. */
  constructor(cells: Int32Array) {
    this.#cells = cells;
    this.#mask = cells.length / 2 - 1;
  }

  /** The row of an index, -1 for none. */
  get(index: number): number {
    const key = index | 0;
    for (let place = key & this.#mask; ; place = (place + 1) & this.#mask) {
      const row = this.#cells[2 * place + 1]!;
      if (row === FREE) return -1;
      if (this.#cells[2 * place] === key) return row - 1;
    }
  }

  set(index: number, row: number): void {
    const key = index | 0;
    let place = key & this.#mask;
    while (this.#cells[2 * place + 1] !== FREE && this.#cells[2 * place] !== key) place = (place + 1) & this.#mask;
    this.#cells[2 * place] = key;
    this.#cells[2 * place + 1] = row + 1;
  }

  /** Closes the gap, so that no look-up ends at it. */
  delete(index: number): void {
    const key = index | 0;
    let gap = key & this.#mask;
    while (this.#cells[2 * gap] !== key || this.#cells[2 * gap + 1] === FREE) {
      if (this.#cells[2 * gap + 1] === FREE) return;
      gap = (gap + 1) & this.#mask;
    }
    for (let place = (gap + 1) & this.#mask; this.#cells[2 * place + 1] !== FREE; place = (place + 1) & this.#mask) {
      const home = this.#cells[2 * place]! & this.#mask;
      // It may move to the gap unless its home lies between the gap and it.
      if (((place - home) & this.#mask) < ((place - gap) & this.#mask)) continue;
      this.#cells[2 * gap] = this.#cells[2 * place]!;
      this.#cells[2 * gap + 1] = this.#cells[2 * place + 1]!;
      gap = place;
    }
    this.#cells[2 * gap + 1] = FREE;
  }
}
