/**
 * A bounded queue of records between two threads: one pushes, one reads. A record is a kind, some words and some bytes. What
 * does not fit is refused, and the one who pushes counts it.
 *
 * HEAD and TAIL count bytes and wrap around at 2^32; the positions are those of the records modulo the capacity. A record lies
 * in one piece: where it does not fit before the end, a filler takes the rest.
 */

/** Each word has a cache line of its own. */
const HEAD = 0;
const TAIL = 16;
const HEADER_BYTES = 128;

/** Length of the record in bytes with this header, its kind, words that follow, bytes that follow those. */
const RECORD_HEADER_BYTES = 16;
const FILLER = -1;

/** `capacity`: bytes, a power of two. */
export function createRing(capacity: number): SharedArrayBuffer {
  if (capacity < 64 || (capacity & (capacity - 1)) !== 0) throw new RangeError('"capacity" expected a power of two');
  return new SharedArrayBuffer(HEADER_BYTES + capacity);
}

class RingEnd {
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;
  protected readonly capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.capacity = memory.byteLength - HEADER_BYTES;
  }

  protected load(end: typeof HEAD | typeof TAIL): number {
    return Atomics.load(this.words, end);
  }

  /** Where the byte with this count lies. */
  protected at(count: number): number {
    return HEADER_BYTES + (count & (this.capacity - 1));
  }
}

export class RingWriter extends RingEnd {
  #tail = this.load(TAIL);

  /** The count of everything pushed so far: see `isRead`. */
  get mark(): number {
    return this.#tail;
  }

  /** Whether everything up to a `mark` has been read and dealt with. */
  isRead(mark: number): boolean {
    return ((this.load(HEAD) - mark) | 0) >= 0;
  }

  /** Sleeps until the reader goes on, or for so long. */
  waitForReader(timeoutMs: number): void {
    const head = this.load(HEAD);
    if (head !== this.#tail) Atomics.wait(this.words, HEAD, head, timeoutMs);
  }

  /** False when there is no room. `words`: 32 bits each. `length` bytes of `bytes` at `offset`. */
  push(kind: number, words: ArrayLike<number>, bytes: Uint8Array, offset: number, length: number): boolean {
    const size = RECORD_HEADER_BYTES + 4 * words.length + ((length + 15) & ~15);
    const whole = (size + 15) & ~15;
    const toEnd = this.capacity - (this.#tail & (this.capacity - 1));
    const filler = whole > toEnd ? toEnd : 0;
    const used = (this.#tail - this.load(HEAD)) | 0;
    if (used + filler + whole > this.capacity) return false;
    if (filler > 0) {
      const at = this.at(this.#tail) >>> 2;
      this.words[at] = filler;
      this.words[at + 1] = FILLER;
      this.#tail = (this.#tail + filler) | 0;
    }
    const at = this.at(this.#tail);
    let word = at >>> 2;
    this.words[word++] = whole;
    this.words[word++] = kind;
    this.words[word++] = words.length;
    this.words[word++] = length;
    for (let i = 0; i < words.length; i++) this.words[word++] = words[i]!;
    if (length > 0) this.bytes.set(bytes.subarray(offset, offset + length), 4 * word);
    this.#tail = (this.#tail + whole) | 0;
    Atomics.store(this.words, TAIL, this.#tail);
    return true;
  }
}

/** `next()` moves to the next record; the one before it is then dealt with, and its room is free. */
export class RingReader extends RingEnd {
  #head = this.load(HEAD);
  #record = 0;
  #size = 0;

  /** False when there is none: everything so far is dealt with. */
  next(): boolean {
    this.#release();
    for (;;) {
      if (this.#head === this.load(TAIL)) return false;
      this.#record = this.at(this.#head) >>> 2;
      this.#size = this.words[this.#record]!;
      if (this.kind !== FILLER) return true;
      this.#release();
    }
  }

  get kind(): number {
    return this.words[this.#record + 1]!;
  }

  /** Bytes of the record. */
  get length(): number {
    return this.words[this.#record + 3]!;
  }

  word(index: number): number {
    return this.words[this.#record + RECORD_HEADER_BYTES / 4 + index]!;
  }

  /** The record's words, good until `next()`. */
  wordsAt(index: number, count: number): Int32Array {
    const from = this.#record + RECORD_HEADER_BYTES / 4 + index;
    return this.words.subarray(from, from + count);
  }

  /** Copies as much of the record's bytes as fits to `buffer` at `offset`; how much that is. */
  copyTo(buffer: Uint8Array, offset: number): number {
    const from = 4 * (this.#record + RECORD_HEADER_BYTES / 4 + this.words[this.#record + 2]!);
    const length = Math.min(this.length, buffer.length - offset);
    buffer.set(this.bytes.subarray(from, from + length), offset);
    return length;
  }

  #release(): void {
    if (this.#size === 0) return;
    this.#head = (this.#head + this.#size) | 0;
    this.#size = 0;
    Atomics.store(this.words, HEAD, this.#head);
    Atomics.notify(this.words, HEAD);
  }
}

/** Several rings that one thread reads in turn, so that none has to wait for what goes on in another. */
export class RingReaders {
  readonly #rings: readonly RingReader[];
  #turn = 0;

  constructor(memories: readonly SharedArrayBuffer[]) {
    this.#rings = memories.map((memory) => new RingReader(memory));
  }

  /** The ring with the next record, good until the call after this; undefined when there is none: everything so far is dealt with. */
  next(): RingReader | undefined {
    for (let i = 0; i < this.#rings.length; i++) {
      const ring = this.#rings[this.#turn]!;
      this.#turn = (this.#turn + 1) % this.#rings.length;
      if (ring.next()) return ring;
    }
    return undefined;
  }
}
