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

  test('holds eight requests of a host at once, and another when one of them has ended', () => {
    const limit = new RequestLimit();
    const releases = Array.from({ length: 8 }, () => limit.hold('teddy'));
    assert.equal(limit.hold('teddy'), undefined);
    assert.equal(limit.held, 8);
    limit.hold('dolores')!(); // the first of hers
    assert.equal(limit.held, 8);
    releases[3]!(); // as counted above
    assert.notEqual(limit.hold('teddy'), undefined);
    assert.equal(limit.hold('teddy'), undefined);
    for (const release of releases) release?.();
    assert.equal(limit.held, 0);
  });
});
