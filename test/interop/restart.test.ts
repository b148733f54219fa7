import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describePairings } from './implementation.ts';
import { INSIDE, openPair } from './pair.ts';

// An initiator that gets no answer tries a new handshake after 15 seconds (section 6.5: keepalive plus rekey timeout).
const RECOVERY = { timeoutMs: 30_000 };

describePairings('restart', (initiator, responder) => {
  it('a killed responder that comes back is found again', async () => {
    await using pair = await openPair(initiator, responder);
    assert.equal(await pair.initiator.host.canPing(INSIDE.responder[4]), true);
    await pair.responder.stop('SIGKILL');
    await pair.responder.start();
    await pair.initiator.host.waitFor('it answers', (host) => host.canPing(INSIDE.responder[4]), RECOVERY);
    assert.equal(await pair.responder.host.canPing(INSIDE.initiator[4]), true);
  });

  it('a killed initiator that comes back is let in at once, for its timestamp is greater', async () => {
    await using pair = await openPair(initiator, responder);
    assert.equal(await pair.initiator.host.canPing(INSIDE.responder[4]), true);
    await pair.initiator.stop('SIGKILL');
    await pair.initiator.start();
    assert.equal(await pair.initiator.host.canPing(INSIDE.responder[4], '-W', '4'), true);
    assert.equal(await pair.responder.host.canPing(INSIDE.initiator[4]), true);
  });

  it('a tunnel that goes down and up again works as before', async () => {
    await using pair = await openPair(initiator, responder);
    const { host } = pair.initiator;
    assert.equal(await host.canPing(INSIDE.responder[4]), true);
    await host.ip('link set wg0 down', 'link set wg0 up');
    await host.waitFor('it answers', () => host.canPing(INSIDE.responder[4]), RECOVERY);
  });
});
