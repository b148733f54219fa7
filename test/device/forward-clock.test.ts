import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ForwardClock } from '../../src/device/forward-clock.ts';

describe('the forward clock', () => {
  it('shows the wall clock, goes on at its own pace while that goes back, and is overtaken by it again', () => {
    let wall = 1_000_000;
    const clock = new ForwardClock(() => wall);
    assert.equal(clock.read(0), 1_000_000);
    wall = 1_000_500;
    assert.equal(clock.read(100), 1_000_500);
    wall = 0;
    assert.equal(clock.read(100), 1_000_500);
    assert.equal(clock.read(400), 1_000_800);
    wall = 2_000_000;
    assert.equal(clock.read(401), 2_000_000);
  });
});
