/**
 * Which peer's timers run out next, among any number of peers.
 *
 * A binary heap that is only told of deadlines that came nearer. Most deadlines move away with every packet (a
 * keepalive is put off), and those are noticed when the old time is reached, so a packet costs one comparison. An item
 * that has no deadline any more leaves the heap in the same way.
 */
import type { MonotonicMs } from '../clock.ts';

export interface Scheduled {
  /** The true deadline, Infinity for none. */
  nextTimeout(): MonotonicMs;
}

interface Entry<Item> {
  readonly item: Item;
  /** Never later than the item's true deadline. */
  at: MonotonicMs;
  position: number;
}

export class DeadlineQueue<Item extends Scheduled> {
  readonly #heap: Entry<Item>[] = [];
  readonly #entries = new Map<Item, Entry<Item>>();

  /** To be called whenever a deadline of `item` may have come nearer. */
  update(item: Item): void {
    const at = item.nextTimeout();
    const entry = this.#entries.get(item);
    if (entry === undefined) {
      if (at < Infinity) this.#push({ item, at, position: this.#heap.length });
    } else if (at < entry.at) {
      entry.at = at;
      this.#rise(entry);
    }
  }

  /** The earliest deadline, Infinity for none. */
  next(): MonotonicMs {
    return this.#settle()?.at ?? Infinity;
  }

  /** The item with the earliest deadline when that is due. It stays until its `nextTimeout()` moves on. */
  due(now: MonotonicMs): Item | undefined {
    const top = this.#settle();
    return top !== undefined && top.at <= now ? top.item : undefined;
  }

  /** The top of the heap, once its recorded time is the true one. */
  #settle(): Entry<Item> | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      const at = top.item.nextTimeout();
      if (at === top.at) return top;
      if (at === Infinity) {
        this.#removeTop();
      } else {
        top.at = at;
        this.#sink(top);
      }
    }
  }

  #push(entry: Entry<Item>): void {
    this.#entries.set(entry.item, entry);
    this.#heap.push(entry);
    this.#rise(entry);
  }

  #removeTop(): void {
    const top = this.#heap[0]!; // callers know that there is one
    this.#entries.delete(top.item);
    const last = this.#heap.pop()!;
    if (last === top) return;
    this.#place(last, 0);
    this.#sink(last);
  }

  #rise(entry: Entry<Item>): void {
    while (entry.position > 0) {
      const parent = this.#heap[(entry.position - 1) >>> 1]!;
      if (parent.at <= entry.at) return;
      const position = parent.position;
      this.#place(parent, entry.position);
      this.#place(entry, position);
    }
  }

  #sink(entry: Entry<Item>): void {
    for (;;) {
      const left = this.#heap[2 * entry.position + 1];
      const right = this.#heap[2 * entry.position + 2];
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (child === undefined || child.at >= entry.at) return;
      const position = child.position;
      this.#place(child, entry.position);
      this.#place(entry, position);
    }
  }

  #place(entry: Entry<Item>, position: number): void {
    this.#heap[position] = entry;
    entry.position = position;
  }
}
