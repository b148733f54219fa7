import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describePairings } from './implementation.ts';
import { INSIDE, openPair } from './pair.ts';

/** The constants of the protocol cannot be changed from outside, so this takes as long as it takes. */
const REKEY_AFTER_TIME_S = 120;
const REJECT_AFTER_TIME_S = 180;

describePairings('rekey', (initiator, responder) => {
  it('the initiator makes new keys after 120 seconds, and no packet is lost over it', async () => {
    await using pair = await openPair(initiator, responder);
    const { host } = pair.initiator;
    const flow = await host.spawn('ping', ['-n', '-i', '0.2', INSIDE.responder[4]]);
    const first = await host.waitFor('they have met', async () => {
      const { latestHandshake } = await pair.initiator.peer(pair.responder);
      return latestHandshake > 0 && latestHandshake;
    });
    const second = await host.waitFor(
      'there are new keys',
      async () => {
        const { latestHandshake } = await pair.initiator.peer(pair.responder);
        return latestHandshake !== first && latestHandshake;
      },
      { timeoutMs: 2 * REJECT_AFTER_TIME_S * 1000 },
    );
    const age = second - first;
    // As soon as there is something to send after 120 seconds; on a slow machine later, but before the old keys end.
    assert.ok(age >= REKEY_AFTER_TIME_S - 1 && age < REJECT_AFTER_TIME_S, `rekeyed after ${age} seconds`);
    const seen = flow.stdout.length;
    await host.waitFor('the flow goes on', () => (flow.stdout.slice(seen).match(/bytes from/g)?.length ?? 0) > 5);
    const { stdout } = await flow.stop('SIGINT');
    // The answer to the last one may have been on its way when the flow was stopped.
    const answered = Array.from(stdout.matchAll(/icmp_seq=(\d+)/g), ([, number]) => Number(number));
    assert.deepEqual(
      answered,
      answered.map((_, i) => i + 1),
    );
  });
});
