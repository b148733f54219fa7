/** Every implementation with every other, each in both roles: what two ends must do for each other at the least. */
import { EVERY_PAIRING, describePairings } from './pairings.ts';
import { FAMILIES, INSIDE, OUTSIDE, formatEndpoint, openPair } from './pair.ts';
import { transfer, TRANSFER_PROGRAMS } from './transfer.ts';

const BULK_BYTES = 20_000_000;

describePairings(
  'every pairing',
  (initiator, responder, it) => {
    it('shakes hands, carries both families and TCP in bulk, and makes new keys from the other end', async () => {
      await using pair = await openPair(initiator, responder);
      const [left, right] = [pair.initiator, pair.responder];
      for (const family of FAMILIES) {
        await left.host.ping(INSIDE.responder[family]);
        await right.host.ping(INSIDE.initiator[family]);
      }
      await transfer(left, right, INSIDE.responder[4], BULK_BYTES);
      await transfer(right, left, INSIDE.initiator[6], BULK_BYTES);

      // The responder forgets its keys. What it sends then has to be under new ones, which the other takes beside its own.
      await right.host.output('wg', ['set', right.interface, 'peer', left.publicKey, 'remove']);
      await right.setPeer(left, {
        allowedIps: [`${INSIDE.initiator[4]}/32`, `${INSIDE.initiator[6]}/128`],
        endpoint: formatEndpoint(OUTSIDE.initiator[4]),
      });
      await right.host.ping(INSIDE.initiator[4]);
      await left.host.ping(INSIDE.responder[6]);
    });
  },
  { pairings: EVERY_PAIRING, programs: TRANSFER_PROGRAMS },
);
