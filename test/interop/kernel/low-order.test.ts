import assert from 'node:assert/strict';
import { INITIATION_BYTES } from '../../../src/noise/messages.ts';
import x25519Vectors from '../../vectors/x25519.json' with { type: 'json' };
import { OURS_FIRST, describePairings } from '../pairings.ts';
import { INSIDE, OUTSIDE, formatEndpoint, openPair } from '../pair.ts';

const KEYS = x25519Vectors.lowOrder.points.map((point) => Buffer.from(point, 'hex').toString('base64'));

describePairings(
  'peers with public keys of low order',
  (initiator, responder, it) => {
    it('are sent nothing, whatever there is to send', async () => {
      await using pair = await openPair(initiator, responder);
      const { host } = pair.initiator;
      const ordinary = (await host.output('wg', ['genkey'])).trim(); // any 32 bytes will do
      const endpoint = formatEndpoint(OUTSIDE.responder[4], 9);
      for (const [i, key] of [...KEYS, ordinary].entries()) {
        const settings = ['allowed-ips', `10.9.7.${i}/32`, 'endpoint', endpoint, 'persistent-keepalive', '1'];
        await host.output('wg', ['set', 'wg0', 'peer', key, ...settings]);
      }
      await host.ip('route add 10.9.7.0/24 dev wg0');
      for (const i of KEYS.keys()) assert.equal(await host.canPing(`10.9.7.${i}`, '-W', '0.1'), false);
      await host.waitFor('an ordinary one is sent an initiation', async () => {
        return (await pair.initiator.peer({ publicKey: ordinary })).txBytes >= INITIATION_BYTES;
      });
      for (const publicKey of KEYS) assert.equal((await pair.initiator.peer({ publicKey })).txBytes, 0, publicKey);
      await host.ping(INSIDE.responder[4]);
    });
  },
  { pairings: OURS_FIRST },
);
