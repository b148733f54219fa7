/** Time, always handed in: protocol code below tunnel/ never asks for it. */

/** Milliseconds on a clock that never goes backwards; its zero has no meaning. */
export type MonotonicMs = number;

/** Milliseconds since 1970-01-01T00:00:00Z; may jump either way. */
export type WallMs = number;

export interface Clock {
  monotonic(): MonotonicMs;
  wall(): WallMs;
}

/** Fills a fresh array of `length` bytes from a cryptographically secure source. */
export type RandomBytes = (length: number) => Uint8Array;
