import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describePairings } from './implementation.ts';
import { INSIDE, OUTSIDE, PORT, addHost, openPair } from './pair.ts';

const GARBAGE = fileURLToPath(new URL('programs/garbage.ts', import.meta.url));
const DATAGRAMS = 20_000;

describePairings('hostile network', (initiator, responder) => {
  it('garbage at the port is not answered, and traffic goes on meanwhile', async () => {
    await using pair = await openPair(initiator, responder);
    const attacker = await addHost(pair.lab, pair.network, 'attacker', { 4: '192.0.2.66', 6: '2001:db8::66' });
    const { host } = pair.initiator;
    assert.equal(await host.canPing(INSIDE.responder[4]), true);
    const flow = await host.spawn('ping', ['-n', '-i', '0.1', '-W', '5', INSIDE.responder[4]]);
    const answers = () => flow.stdout.match(/bytes from/g)?.length ?? 0;
    await host.waitFor('the flow is there', () => answers() >= 3);
    const attacks = [OUTSIDE.initiator, OUTSIDE.responder].map((target) =>
      attacker.output('node', [GARBAGE, target[4], `${PORT}`, `${DATAGRAMS}`], { timeoutMs: 60_000 }),
    );
    assert.deepEqual(await Promise.all(attacks), ['0\n', '0\n']);
    const before = answers();
    await host.waitFor('the flow goes on', () => answers() >= before + 3);
    const { stdout } = await flow.stop('SIGINT');
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout)!.map(Number);
    assert.ok(received! > sent! / 2, stdout); // a flood may fill the sockets for a moment
    assert.equal(await pair.responder.host.canPing(INSIDE.initiator[4]), true);
  });
});
