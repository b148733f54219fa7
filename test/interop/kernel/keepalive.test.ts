import assert from 'node:assert/strict';
import { OURS_FIRST, describePairings } from '../pairings.ts';
import { INSIDE, OUTSIDE, formatEndpoint, openPair } from '../pair.ts';
import { KEEPALIVE_BYTES, assertSent } from './counters.ts';

/** Seconds. Longer than the test takes. */
const INTERVAL = 600;

describePairings(
  'a persistent keepalive',
  (initiator, responder, it) => {
    it('goes out when the interface comes up, and not before', async () => {
      await using pair = await openPair(initiator, responder);
      const { initiator: left, responder: right } = pair;
      await left.host.ip('link set wg0 down');
      await left.setPeer(right, {
        allowedIps: [`${INSIDE.responder[4]}/32`],
        endpoint: formatEndpoint(OUTSIDE.responder[4]),
        persistentKeepalive: INTERVAL,
      });
      assert.equal((await left.peer(right)).txBytes, 0);
      await left.host.ip('link set wg0 up');
      await left.host.waitFor('it was answered', async () => (await left.peer(right)).latestHandshake > 0);
      await assertSent([left, right], { initiator: KEEPALIVE_BYTES, responder: 0 });
    });
  },
  { pairings: OURS_FIRST },
);
