import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SilenceWatch, type PeerTraffic } from '../../src/agent/silence.ts';

const SILENCE_MS = 30_000;
const LONGEST_PAUSE_MS = 120_000;
const LOOK_MS = 3000;

/** Looks every three seconds while `traffic` says what the peer's counters are; the times at which it was asked for. */
function questions(untilMs: number, traffic: (now: number) => Partial<PeerTraffic>): number[] {
  const watch = new SilenceWatch({ silenceMs: SILENCE_MS, longestPauseMs: LONGEST_PAUSE_MS });
  const times: number[] = [];
  for (let now = 0; now <= untilMs; now += LOOK_MS) {
    const peer = { publicKey: 'teddy', hasEndpoint: true, rxBytes: 0, txBytes: 0, ...traffic(now) };
    if (watch.handleLook([peer], now).length > 0) times.push(now);
  }
  return times;
}

describe('silence', () => {
  it('a peer that never answers is asked for after the threshold, then after growing pauses up to the longest', () => {
    const times = questions(600_000, (now) => ({ txBytes: now * 10 + 148 }));
    assert.deepEqual(
      times,
      [30, 60, 120, 240, 360, 480, 600].map((seconds) => seconds * 1000),
    );
  });

  it('an idle peer is never asked for, however old its handshake', () => {
    assert.deepEqual(
      questions(3_600_000, () => ({ txBytes: 9000, rxBytes: 7000 })),
      [],
    );
  });

  it('a peer that answers is never asked for', () => {
    assert.deepEqual(
      questions(600_000, (now) => ({ txBytes: now, rxBytes: now })),
      [],
    );
    const everyTenSeconds = (now: number): number => Math.floor(now / 10_000);
    assert.deepEqual(
      questions(600_000, (now) => ({ txBytes: now, rxBytes: everyTenSeconds(now) })),
      [],
    );
  });

  it('one unanswered message is enough, though the handshake was given up since', () => {
    const times = questions(90_000, (now) => ({ rxBytes: 500, txBytes: now < 12_000 ? 100 : 248 }));
    assert.deepEqual(times, [42_000, 72_000]);
  });

  it('keepalives alone are no sign, since nothing answers them', () => {
    for (const intervalMs of [1000, 5000, 25_000]) {
      const sent = (now: number): number => 32 * Math.floor(now / intervalMs);
      assert.deepEqual(
        questions(600_000, (now) => ({ rxBytes: 92, txBytes: sent(now) })),
        [],
      );
      const handshake = (now: number): number => (now < 300_000 ? 0 : 148);
      const times = questions(360_000, (now) => ({ rxBytes: 92, txBytes: sent(now) + handshake(now) }));
      assert.deepEqual(times, [330_000, 360_000]);
    }
  });

  it('an answer starts the count anew, with a short pause first', () => {
    const times = questions(400_000, (now) => ({ txBytes: now + 1, rxBytes: now < 300_000 ? 0 : 92 }));
    assert.deepEqual(times.slice(-2), [333_000, 363_000]);
  });

  it('a peer whose name had no address is asked for at once, and again', () => {
    const times = questions(90_000, () => ({ hasEndpoint: false }));
    assert.deepEqual(times, [0, 30_000, 90_000]);
  });

  it('a tunnel that was started anew, with its counters at zero, is no answer that lasts', () => {
    const times = questions(90_000, (now) => ({ rxBytes: now < 30_000 ? 500 : 0, txBytes: now < 30_000 ? 500 : now }));
    assert.deepEqual(times, [63_000]);
  });

  it('each peer has a count of its own, and one that is gone is forgotten', () => {
    const watch = new SilenceWatch({ silenceMs: SILENCE_MS, longestPauseMs: LONGEST_PAUSE_MS });
    const silent = { publicKey: 'silent', hasEndpoint: true, rxBytes: 0, txBytes: 148 };
    const idle = { publicKey: 'idle', hasEndpoint: true, rxBytes: 0, txBytes: 0 };
    assert.deepEqual(watch.handleLook([silent, idle], 0), []);
    assert.deepEqual(watch.handleLook([silent, idle], 30_000), ['silent']);
    assert.deepEqual(watch.handleLook([idle], 33_000), []);
    assert.deepEqual(watch.handleLook([silent, idle], 36_000), []);
    assert.deepEqual(watch.handleLook([silent, idle], 66_000), ['silent']);
  });
});
