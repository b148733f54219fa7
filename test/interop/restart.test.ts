import { MOSTLY_WAITING, describePairings } from './pairings.ts';
import { INSIDE, openPair } from './pair.ts';

// An initiator that gets no answer tries a new handshake after 15 seconds (section 6.5: keepalive plus rekey timeout).
const RECOVERY = { timeoutMs: 240_000 };

describePairings(
  'restart',
  (initiator, responder, it) => {
    it('a killed responder that comes back is found again', async () => {
      await using pair = await openPair(initiator, responder);
      await pair.initiator.host.ping(INSIDE.responder[4]);
      await pair.responder.stop('SIGKILL');
      await pair.responder.start();
      await pair.initiator.host.waitFor('it answers', (host) => host.canPing(INSIDE.responder[4]), RECOVERY);
      await pair.responder.host.ping(INSIDE.initiator[4]);
    });

    it('a killed initiator that comes back is let in, for its timestamp is greater', async () => {
      await using pair = await openPair(initiator, responder);
      await pair.initiator.host.ping(INSIDE.responder[4]);
      await pair.initiator.stop('SIGKILL');
      await pair.initiator.start();
      await pair.initiator.host.ping(INSIDE.responder[4]);
      await pair.responder.host.ping(INSIDE.initiator[4]);
    });

    it('a tunnel that goes down and up again works as before', async () => {
      await using pair = await openPair(initiator, responder);
      const { host } = pair.initiator;
      await host.ping(INSIDE.responder[4]);
      await host.ip('link set wg0 down', 'link set wg0 up');
      await host.waitFor('it answers', () => host.canPing(INSIDE.responder[4]), RECOVERY);
    });
  },
  { concurrency: MOSTLY_WAITING },
);
