import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestLimit } from '../../../src/registry/service/request-limit.ts';

describe('the limit of what one host asks', () => {
  test('lets a burst pass, then two a second, and other hosts at any time', () => {
    const limit = new RequestLimit();
    for (let i = 0; i < 120; i++) assert.equal(limit.take('teddy', 1_000, 'report'), 0);
    assert.equal(limit.take('teddy', 1_000, 'report'), 500);
    assert.equal(limit.take('dolores', 1_000, 'report'), 0);
    assert.equal(limit.take('teddy', 1_500, 'report'), 0);
    assert.equal(limit.take('teddy', 1_500, 'report'), 500);
    for (let i = 0; i < 120; i++) assert.equal(limit.take('teddy', 3_600_000, 'report'), 0);
    assert.equal(limit.take('teddy', 3_600_000, 'report'), 500);
  });

  test('does not lock a host out because the clock was set back', () => {
    const limit = new RequestLimit();
    for (let i = 0; i < 120; i++) limit.take('teddy', 3_600_000, 'report');
    assert.equal(limit.take('teddy', 1_000, 'report'), 500);
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

  test('counts what a host changes of itself, what it reads and what it reports each for itself', () => {
    const limit = new RequestLimit();
    for (let i = 0; i < 30; i++) assert.equal(limit.take('teddy', 1_000, 'change'), 0);
    assert.equal(limit.take('teddy', 1_000, 'change'), 10_000);
    for (let i = 0; i < 1200; i++) assert.equal(limit.take('teddy', 1_000, 'read'), 0);
    assert.equal(limit.take('teddy', 1_000, 'read'), 50);
    assert.equal(limit.take('teddy', 1_000, 'report'), 0);
    assert.equal(limit.take('teddy', 11_000, 'change'), 0);
    assert.equal(limit.take('teddy', 11_000, 'change'), 10_000);
  });

  test('lets three hundred agents behind one address hear of sixty changes at once, and is one for the whole /64 of IPv6', () => {
    const limit = new RequestLimit();
    for (let i = 0; i < 300 * 60; i++) assert.equal(limit.takeOf('192.0.2.1', 1_000), 0);
    for (let i = 0; i < 20_000; i++) assert.equal(limit.takeOf(`2001:db8::${(i % 5000).toString(16)}`, 1_000), 0);
    assert.equal(limit.takeOf('2001:db8::ffff', 1_000), 1);
    assert.equal(limit.takeOf('2001:db8:0:1::1', 1_000), 0);
    assert.equal(limit.takeOf('2001:db8::ffff', 1_001), 0);
  });
});
