/** The heap of deadlines against a list that is sorted each time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DeadlineQueue } from '../../src/device/deadline-queue.ts';

class Item {
  at = Infinity;
  nextTimeout(): number {
    return this.at;
  }
}

const change = fc.record({
  index: fc.nat(7),
  at: fc.oneof({ weight: 5, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.constant(Infinity) }),
  now: fc.nat(100),
});

describe('the deadline queue', () => {
  it('always knows the earliest deadline, also when it is told of nearer ones only', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
        const items = Array.from({ length: 8 }, () => new Item());
        const queue = new DeadlineQueue<Item>();
        for (const { index, at, now } of changes) {
          const item = items[index]!;
          const isNearer = at < item.at;
          item.at = at;
          if (isNearer) queue.update(item);
          const earliest = Math.min(...items.map(({ at }) => at));
          assert.equal(queue.next(), earliest);
          assert.equal(queue.due(now)?.at, earliest <= now ? earliest : undefined);
        }
      }),
      { numRuns: 500 },
    );
  });
});
