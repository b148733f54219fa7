/**
 * TAI64N timestamps, section 5.1: 12 bytes that order the initiations of one host, so that a replayed one is refused.
 *
 * Whitened to 2^24 ns (about 16 ms): the fine bits of a clock would tell an observer about the machine and its load.
 */
import type { WallMs } from '../clock.ts';
import { TIMESTAMP_BYTES } from './messages.ts';

/** The TAI64 label of 1970-01-01T00:00:00Z is 2^62 + 10; its upper and lower halves. */
const EPOCH_HIGH = 0x4000_0000;
const EPOCH_LOW = 10;
const STEP_NS = 2 ** 24;

/** Makes the timestamps for one peer's initiations: each greater than the one before, whatever the wall clock does. */
export class Tai64nSource {
  #seconds = 0;
  #nanoseconds = -STEP_NS;

  next(wall: WallMs): Uint8Array {
    const seconds = Math.floor(wall / 1000);
    const nanoseconds = whiten((wall - 1000 * seconds) * 1_000_000);
    const isLater = seconds > this.#seconds || (seconds === this.#seconds && nanoseconds > this.#nanoseconds);
    if (isLater) {
      this.#seconds = seconds;
      this.#nanoseconds = nanoseconds;
    } else {
      // The clock stood still or went back. Without this step the peer would refuse us until it caught up.
      this.#nanoseconds += STEP_NS;
      if (this.#nanoseconds >= 1_000_000_000) {
        this.#seconds += 1;
        this.#nanoseconds = 0;
      }
    }
    return encodeTai64n(this.#seconds, this.#nanoseconds);
  }
}

/** Negative when `a` is earlier than `b`, zero when they are equal, positive when it is later. */
export function compareTai64n(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < TIMESTAMP_BYTES; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

/** Big endian, unlike the rest of the protocol: 8 bytes of seconds, 4 of nanoseconds. */
function encodeTai64n(unixSeconds: number, nanoseconds: number): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_BYTES);
  const view = new DataView(bytes.buffer);
  const low = unixSeconds + EPOCH_LOW;
  view.setUint32(0, EPOCH_HIGH + Math.floor(low / 2 ** 32));
  view.setUint32(4, low);
  view.setUint32(8, nanoseconds);
  return bytes;
}

function whiten(nanoseconds: number): number {
  return Math.floor(nanoseconds / STEP_NS) * STEP_NS;
}
