import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestLimit } from '../../../src/registry/service/request-limit.ts';

describe('the limit of what one host asks', () => {
  test('lets a burst pass, then two a second, and other hosts at any time', () => {
    const limit = new RequestLimit();
    for (let i = 0; i < 120; i++) assert.equal(limit.take('teddy', 1_000), 0);
    assert.equal(limit.take('teddy', 1_000), 500);
    assert.equal(limit.take('dolores', 1_000), 0);
    assert.equal(limit.take('teddy', 1_500), 0);
    assert.equal(limit.take('teddy', 1_500), 500);
    for (let i = 0; i < 120; i++) assert.equal(limit.take('teddy', 3_600_000), 0);
    assert.equal(limit.take('teddy', 3_600_000), 500);
  });

  test('does not lock a host out because the clock was set back', () => {
    const limit = new RequestLimit();
    for (let i = 0; i < 120; i++) limit.take('teddy', 3_600_000);
    assert.equal(limit.take('teddy', 1_000), 500);
  });

  test('holds eight requests of a host at once, and another when one of them has ended', async () => {
    const limit = new RequestLimit();
    const ends = Array.from({ length: 8 }, () => Promise.withResolvers<void>());
    const held = ends.map(({ promise }) => limit.hold('teddy', () => promise));
    assert.equal(
      limit.hold('teddy', () => Promise.resolve()),
      undefined,
    );
    assert.notEqual(
      limit.hold('dolores', () => Promise.resolve()),
      undefined,
    );
    ends[3]!.resolve();
    await held[3];
    const again = limit.hold('teddy', () => Promise.reject(new Error('ends badly')));
    await assert.rejects(again!, /ends badly/);
    assert.notEqual(
      limit.hold('teddy', () => Promise.resolve()),
      undefined,
    );
  });
});
