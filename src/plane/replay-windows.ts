/**
 * Replay windows that several inbound workers share: a peer that moves may change its socket, and with that its worker, and
 * what was received before must not be taken again. One for each row of a keypair, under a lock of its own.
 */
import { REPLAY_WORDS, ReplayWindow } from '../transport/replay-window.ts';
import { giveBack, take } from './lock.ts';

/** The greatest counter as a Float64, the lock in a word, and the ring. */
const LOCK = 8;
const RING = 16;
export const WINDOW_BYTES = RING + 4 * REPLAY_WORDS;

/** One of them, as a worker uses it. */
export class SharedWindow {
  readonly #words: Int32Array;
  readonly #lock: number;
  readonly #window: ReplayWindow;

  constructor(windows: SharedArrayBuffer, row: number) {
    const at = WINDOW_BYTES * row;
    this.#words = new Int32Array(windows);
    this.#lock = (at + LOCK) >>> 2;
    this.#window = new ReplayWindow({
      greatest: new Float64Array(windows, at, 1),
      ring: new Uint32Array(windows, at + RING, REPLAY_WORDS),
    });
  }

  /** As ReplayWindow's. */
  accept(counter: number): boolean {
    take(this.#words, this.#lock);
    try {
      return this.#window.accept(counter);
    } finally {
      giveBack(this.#words, this.#lock);
    }
  }
}

/** Begins anew for another keypair. To be called at the gate. */
export function clearWindow(windows: SharedArrayBuffer, row: number): void {
  if (windows.byteLength > 0) new Uint8Array(windows, WINDOW_BYTES * row, WINDOW_BYTES).fill(0);
}
