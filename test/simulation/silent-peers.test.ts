/** What src/agent/silence.ts says of real counters: hours of a peer that is healthy, and of one that has gone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SilenceWatch } from '../../src/agent/silence.ts';
import { formatKey } from '../../src/keys.ts';
import type { Host } from './network.ts';
import { createSession, type Pair } from './pair.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const LOOK_MS = 3 * SECOND;
const KEEPALIVE_SECONDS = [1, 5, 25, 119, 600];

/** When `host` would ask for the name of `peer`, until the time given. */
function watch({ network }: Pair, host: Host, peer: Host, until: number): number[] {
  const silence = new SilenceWatch({ silenceMs: 30 * SECOND, longestPauseMs: 120 * SECOND });
  const times: number[] = [];
  network.every(LOOK_MS, until, () => {
    const { publicKey, endpoint, rxBytes, txBytes } = host.peer(peer);
    const traffic = { publicKey: formatKey(publicKey), hasEndpoint: endpoint !== undefined, rxBytes, txBytes };
    if (silence.handleLook([traffic], network.now).length > 0) times.push(network.now);
  });
  return times;
}

function keepAlive({ network }: Pair, host: Host, peer: Host, seconds: number): void {
  network.configure(host, { publicKey: peer.publicKey, persistentKeepalive: seconds });
}

describe('the name of a healthy peer is never asked for', () => {
  for (const seconds of KEEPALIVE_SECONDS)
    for (const loss of [0, 0.05])
      it(`with a keepalive every ${seconds} s from either side, with ${loss * 100} % of datagrams lost`, () => {
        for (const side of ['initiator', 'responder']) {
          const pair = createSession({ seed: seconds, ...(loss === 0 ? {} : { loss }) });
          const { network, alice, bob } = pair;
          const [host, peer] = side === 'initiator' ? [alice, bob] : [bob, alice];
          keepAlive(pair, host, peer, seconds);
          const [ofHost, ofPeer] = [watch(pair, host, peer, 6 * HOUR), watch(pair, peer, host, 6 * HOUR)];
          network.runUntil(6 * HOUR);
          assert.deepEqual([ofHost, ofPeer], [[], []], side);
          assert.ok(network.count(1) > 6, 'sessions were renewed');
        }
      });

  it('with data that goes one way only, too', () => {
    const pair = createSession();
    const times = watch(pair, pair.alice, pair.bob, HOUR);
    pair.network.every(7 * SECOND, HOUR, () => pair.network.send(pair.alice, pair.bob));
    pair.network.runUntil(HOUR);
    assert.deepEqual(times, []);
  });
});

describe('the name of a peer that has gone is asked for', () => {
  const GONE = 10 * MINUTE;

  it('within a minute when there is data for it', () => {
    const pair = createSession();
    const { network, alice, bob } = pair;
    const times = watch(pair, alice, bob, GONE + 5 * MINUTE);
    network.every(SECOND, GONE + 5 * MINUTE, () => network.send(alice, bob));
    network.schedule(GONE, () => bob.device.close());
    network.runUntil(GONE + 5 * MINUTE);
    assert.ok(times[0]! > GONE && times[0]! <= GONE + MINUTE, String(times));
  });

  it('when the session has to be renewed where there are keepalives only', () => {
    for (const seconds of KEEPALIVE_SECONDS.slice(0, 4)) {
      const pair = createSession();
      const { network, alice, bob } = pair;
      keepAlive(pair, alice, bob, seconds);
      const times = watch(pair, alice, bob, GONE + 10 * MINUTE);
      network.schedule(GONE, () => bob.device.close());
      network.runUntil(GONE + 10 * MINUTE);
      assert.ok(times[0]! > GONE && times[0]! <= GONE + 5 * MINUTE, `${seconds} s: ${String(times)}`);
    }
  });
});
