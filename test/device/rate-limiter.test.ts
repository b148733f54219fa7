/** Handshakes per address: 20 a second, bursts of 5, a bounded table. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { LoadMeter } from '../../src/device/load-meter.ts';
import { MAX_ADDRESSES, RateLimiter } from '../../src/device/rate-limiter.ts';
import { addressFromBytes, parseAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';

function endpoint(address: string, port = 1): Endpoint {
  return Endpoint.from(parseAddress(address)!, port);
}

function numbered(i: number): Endpoint {
  return Endpoint.from(addressFromBytes(Uint8Array.of(10, i >>> 16, i >>> 8, i)), 1);
}

describe('the rate limiter', () => {
  it('lets a burst of five through, then one every 50 ms', () => {
    const limiter = new RateLimiter();
    const from = endpoint('192.0.2.1');
    const burst = Array.from({ length: 7 }, () => limiter.allow(from, 0));
    assert.deepEqual(burst, [true, true, true, true, true, false, false]);
    assert.equal(limiter.allow(from, 49), false);
    assert.equal(limiter.allow(from, 50), true);
    assert.equal(limiter.allow(from, 51), false);
  });

  it('never lets more than 5 + 20 a second through, however they arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 300 }), (pauses) => {
        const limiter = new RateLimiter();
        const from = endpoint('2001:db8::1');
        let now = 0;
        let allowed = 0;
        for (const pause of pauses) {
          now += pause;
          if (limiter.allow(from, now)) allowed++;
          assert.ok(allowed <= 5 + now / 50);
        }
      }),
    );
  });

  it('counts each address for itself, and the port does not matter', () => {
    const limiter = new RateLimiter();
    for (let i = 0; i < 10; i++) limiter.allow(endpoint('192.0.2.1', i), 0);
    assert.equal(limiter.allow(endpoint('192.0.2.1', 99), 0), false);
    assert.equal(limiter.allow(endpoint('192.0.2.2'), 0), true);
  });

  it('takes an IPv6 /64 for one', () => {
    const limiter = new RateLimiter();
    for (let i = 0; i < 10; i++) limiter.allow(endpoint(`2001:db8:1:2::${i}`), 0);
    assert.equal(limiter.allow(endpoint('2001:db8:1:2:ffff::1'), 0), false);
    assert.equal(limiter.allow(endpoint('2001:db8:1:3::1'), 0), true);
  });

  it('bounds its table, refuses new addresses while it is full, and empties it without a timer', () => {
    const limiter = new RateLimiter();
    for (let i = 0; i < 2 * MAX_ADDRESSES; i++) limiter.allow(numbered(i), 0);
    assert.equal(limiter.size, MAX_ADDRESSES);
    assert.equal(limiter.allow(endpoint('192.0.2.1'), 0), false);
    assert.equal(limiter.allow(numbered(0), 0), true, 'an address that is in the table goes on');
    assert.equal(limiter.allow(endpoint('192.0.2.1'), 1_000), true);
    assert.equal(limiter.size, 1);
  });
});

describe('an address that floods', () => {
  it('does not keep the others in the table', () => {
    const limiter = new RateLimiter();
    const flooder = endpoint('192.0.2.1');
    limiter.allow(flooder, 0);
    for (let i = 0; i < 100; i++) limiter.allow(numbered(i), 0);
    for (let now = 0; now <= 1_000; now += 10) limiter.allow(flooder, now);
    assert.equal(limiter.size, 1);
  });
});

describe('the load meter', () => {
  it('calls a flood a load, for a second after it ends', () => {
    const meter = new LoadMeter();
    let now = 0;
    let underLoad = 0;
    for (; now < 1_000; now += 1) if (meter.count(now)) underLoad++;
    assert.ok(underLoad > 800, `${underLoad} of 1000`);
    assert.equal(meter.count(now + 500), true);
    assert.equal(meter.count(now + 3_000), false);
  });

  it('is content with fifty handshakes a second', () => {
    const meter = new LoadMeter();
    for (let now = 0; now < 60_000; now += 20) assert.equal(meter.count(now), false);
  });
});
