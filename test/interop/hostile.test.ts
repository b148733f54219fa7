import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { EACH_OF_OURS, describePairings } from './pairings.ts';
import { INSIDE, OUTSIDE, PORT, addHost, openPair } from './pair.ts';

const GARBAGE = fileURLToPath(new URL('programs/garbage.ts', import.meta.url));
const DATAGRAMS = 20_000;

describePairings(
  'hostile network',
  (initiator, responder, it) => {
    it('garbage at the port is not answered, and traffic goes on', async () => {
      await using pair = await openPair(initiator, responder);
      const attacker = await addHost(pair.lab, pair.network, 'attacker', { 4: '192.0.2.66', 6: '2001:db8::66' });
      const { host } = pair.initiator;
      await host.ping(INSIDE.responder[4]);
      const flow = await host.spawn('ping', ['-n', '-i', '0.1', '-W', '5', INSIDE.responder[4]]);
      const answers = () => flow.stdout.match(/bytes from/g)?.length ?? 0;
      await host.waitFor('the flow is there', () => answers() >= 3);
      const attacks = [OUTSIDE.initiator, OUTSIDE.responder].map((target) =>
        attacker.output('node', [GARBAGE, target[4], `${PORT}`, `${DATAGRAMS}`], { timeoutMs: 600_000 }),
      );
      assert.deepEqual(await Promise.all(attacks), ['0\n', '0\n']);
      const before = answers();
      await host.waitFor('the flow goes on', () => answers() >= before + 3);
      await flow.stop('SIGINT');
      await pair.responder.host.ping(INSIDE.initiator[4]);
    });
  },
  { pairings: EACH_OF_OURS },
);
