/** The replay window against a set that forgets nothing: section 5.4.6, RFC 6479. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { REPLAY_WINDOW, ReplayWindow } from '../../src/transport/replay-window.ts';

/** Steps from the greatest counter so far: mostly near it, sometimes at the window's edges or far ahead. */
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -40, max: 40 }) },
    { weight: 4, arbitrary: fc.integer({ min: -REPLAY_WINDOW - 40, max: -REPLAY_WINDOW + 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: -REPLAY_WINDOW, max: 2 * REPLAY_WINDOW }) },
    { weight: 1, arbitrary: fc.integer({ min: 2 ** 31, max: 2 ** 34 }) },
  ),
  { minLength: 1, maxLength: 400, size: 'max' },
);
/** Where the window starts: also across 2^32 and close to the limit of exact numbers. */
const starts = fc.constantFrom(0, 1, REPLAY_WINDOW, 2 ** 31 - 20, 2 ** 32 - 20, 2 ** 48, 2 ** 52);

test('the window is at least the 8,128 counters that the protocol asks for', () => {
  assert.ok(REPLAY_WINDOW >= 8128);
});

test('accepts exactly what a set of all counters seen would, within the window', () => {
  fc.assert(
    fc.property(starts, steps, (start, steps) => {
      const [window, reference] = [new ReplayWindow(), new ReferenceWindow()];
      for (const step of [0, ...steps]) {
        const counter = Math.max(0, (reference.greatest < 0 ? start : reference.greatest) + step);
        assert.equal(window.accept(counter), reference.accept(counter), `counter ${counter}`);
      }
    }),
    { numRuns: 200 },
  );
});

test('a shuffled window is accepted whole, and then nothing of it again', () => {
  const window = new ReplayWindow();
  const counters = Array.from({ length: REPLAY_WINDOW }, (_, i) => (i * 4001) % REPLAY_WINDOW);
  assert.ok(counters.every((counter) => window.accept(counter)));
  assert.ok(counters.every((counter) => !window.accept(counter)));
});

test('counter 0 is accepted first, and once', () => {
  const window = new ReplayWindow();
  assert.equal(window.accept(0), true);
  assert.equal(window.accept(0), false);
});

test('the oldest counter in the window is accepted, the one before it is not', () => {
  for (const greatest of [REPLAY_WINDOW, 123_456, 2 ** 32 + 5, 2 ** 53 - 1]) {
    const window = new ReplayWindow();
    assert.equal(window.accept(greatest), true);
    assert.equal(window.accept(greatest - REPLAY_WINDOW + 1), true);
    assert.equal(window.accept(greatest - REPLAY_WINDOW), false);
  }
});

test('a jump ahead leaves nothing of the old window in the ring', () => {
  const ring = REPLAY_WINDOW + 32;
  for (const jump of [1, 31, 32, 33, ring - 1, ring, ring + 1, 2 ** 20, 2 ** 33]) {
    const window = new ReplayWindow();
    for (let counter = 0; counter < ring; counter++) window.accept(counter);
    const greatest = ring - 1 + jump;
    assert.equal(window.accept(greatest), true);
    const oldest = Math.max(ring, greatest - REPLAY_WINDOW + 1);
    for (let counter = oldest; counter < greatest; counter++)
      assert.equal(window.accept(counter), true, `${counter} after a jump of ${jump}`);
  }
});

test('counters that are equal in their lower 32 bits are different', () => {
  const window = new ReplayWindow();
  assert.equal(window.accept(7), true);
  assert.equal(window.accept(2 ** 32 + 7), true);
  assert.equal(window.accept(2 ** 33 + 7), true);
  assert.equal(window.accept(2 ** 32 + 7), false);
});

/** The same rule without a ring, a bit or a bound on memory. */
class ReferenceWindow {
  greatest = -1;
  readonly #seen = new Set<number>();

  accept(counter: number): boolean {
    if (counter <= this.greatest - REPLAY_WINDOW || this.#seen.has(counter)) return false;
    this.#seen.add(counter);
    this.greatest = Math.max(this.greatest, counter);
    return true;
  }
}
