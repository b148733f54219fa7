import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FailureLimit } from '../../../src/registry/service/failure-limit.ts';

const LIMIT = 30;

describe('the limit of refused credentials', () => {
  test('tells an address to wait for the rest of its minute, and no other address', () => {
    const limit = new FailureLimit();
    for (let i = 0; i < LIMIT; i++) assert.equal(limit.countFailure('192.0.2.1', 1_000), 0);
    assert.equal(limit.countFailure('192.0.2.1', 31_000), 30_000);
    assert.equal(limit.countFailure('192.0.2.2', 31_000), 0);
    assert.equal(limit.countFailure('192.0.2.1', 61_000), 0);
  });

  test('counts the addresses of one IPv6 /64 as one', () => {
    const limit = new FailureLimit();
    for (let i = 0; i < LIMIT; i++) assert.equal(limit.countFailure(`2001:db8::${i}`, 0), 0);
    assert(limit.countFailure('2001:db8::ffff', 0) > 0);
    assert.equal(limit.countFailure('2001:db8:0:1::1', 0), 0);
  });

  test('counts each IPv4 address for itself, also where a socket for both families shows it as IPv6', () => {
    const limit = new FailureLimit();
    for (let i = 0; i <= LIMIT; i++) limit.countFailure('::ffff:192.0.2.1', 0);
    assert(limit.countFailure('192.0.2.1', 0) > 0);
    assert.equal(limit.countFailure('::ffff:192.0.2.2', 0), 0);
  });

  test('forgets the oldest of very many addresses', () => {
    const limit = new FailureLimit();
    for (let i = 0; i <= LIMIT; i++) limit.countFailure('192.0.2.1', 0);
    for (let i = 0; i < 10_000; i++) limit.countFailure(`10.0.${i >> 8}.${i & 255}`, 0);
    assert.equal(limit.countFailure('192.0.2.1', 0), 0);
  });
});
