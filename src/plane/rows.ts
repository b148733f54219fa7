/** Which rows of a table are taken, and by whom. The lowest ones first, so that memory that nobody needs is never touched. */

export class Rows<Owner> {
  readonly #owners: (Owner | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #capacity: number;
  #used = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** -1 when all are taken. */
  take(): number {
    const row = this.#free.pop();
    if (row !== undefined) return row;
    return this.#used < this.#capacity ? this.#used++ : -1;
  }

  set(row: number, owner: Owner): void {
    this.#owners[row] = owner;
  }

  get(row: number): Owner | undefined {
    return this.#owners[row];
  }

  free(row: number): void {
    this.#owners[row] = undefined;
    this.#free.push(row);
  }
}
