import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describePairings } from './pairings.ts';
import { FAMILIES, INSIDE, OUTSIDE, PORT, formatEndpoint, openPair } from './pair.ts';

describePairings('handshake', (initiator, responder, it) => {
  for (const outside of FAMILIES)
    it(`completes over IPv${outside} and carries IPv4 and IPv6`, async () => {
      const earliest = Math.floor(Date.now() / 1000);
      await using pair = await openPair(initiator, responder, { outside });
      for (const inside of FAMILIES) {
        await pair.initiator.host.ping(INSIDE.responder[inside]);
        await pair.responder.host.ping(INSIDE.initiator[inside]);
      }
      const seen = await pair.responder.peer(pair.initiator);
      assert.equal(seen.endpoint, formatEndpoint(OUTSIDE.initiator[outside], PORT));
      const { latestHandshake } = responder.countsDifferently ? await pair.initiator.peer(pair.responder) : seen;
      assert.ok(latestHandshake >= earliest && latestHandshake <= Date.now() / 1000, 'the handshake has just been');
    });

  it('completes with a preshared key', async () => {
    const presharedKey = randomBytes(32).toString('base64');
    const presharedKeys = { initiator: presharedKey, responder: presharedKey };
    await using pair = await openPair(initiator, responder, { presharedKeys });
    await pair.initiator.host.ping(INSIDE.responder[4]);
  });

  it('does not complete with different preshared keys', async () => {
    const [one, another] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    await using pair = await openPair(initiator, responder, { presharedKeys: { initiator: one, responder: another } });
    assert.equal(await pair.initiator.host.canPing(INSIDE.responder[4]), false);
    // The responder can only tell by the first data packet, which never comes: the initiator refuses the response.
    const { latestHandshake, txBytes } = await pair.initiator.peer(pair.responder);
    assert.equal(latestHandshake, 0);
    const { rxBytes } = await pair.responder.peer(pair.initiator);
    assert.ok((initiator.countsDifferently ? rxBytes : txBytes) > 0, 'it did try');
    // And it is the key that was wrong: with the same one on both sides it works at once.
    await pair.initiator.setPeer(pair.responder, {
      allowedIps: [`${INSIDE.responder[4]}/32`],
      endpoint: formatEndpoint(OUTSIDE.responder[4]),
      presharedKey: another,
    });
    await pair.initiator.host.waitFor('it reaches the responder', (host) => host.canPing(INSIDE.responder[4]));
  });

  it('has transfer counters that agree with those of the peer', async () => {
    await using pair = await openPair(initiator, responder);
    await pair.initiator.host.ping(INSIDE.responder[4]);
    await pair.initiator.host.output('ping', ['-q', '-c', '20', '-i', '0.01', '-s', '1000', INSIDE.responder[4]]);
    await pair.initiator.host.waitFor('both count the same', async () => {
      const [left, right] = [await pair.initiator.peer(pair.responder), await pair.responder.peer(pair.initiator)];
      return left.rxBytes === right.txBytes && left.txBytes === right.rxBytes && left.rxBytes > 20_000;
    });
  });
});
