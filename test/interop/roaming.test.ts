import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describePairings } from './implementation.ts';
import { INSIDE, formatEndpoint, openPair } from './pair.ts';
import type { Pair } from './pair.ts';

describePairings('roaming', (initiator, responder) => {
  it('the initiator is followed to its new address in the middle of a flow', async () => {
    await using pair = await openPair(initiator, responder);
    await meet(pair);
    const { host } = pair.initiator;
    const flow = await host.spawn('ping', ['-n', '-i', '0.1', INSIDE.responder[4]]);
    await host.waitFor('the flow is there', () => answers(flow.stdout) > 3);
    await host.ip('address del 192.0.2.1/24 dev eth0', 'address add 192.0.2.11/24 dev eth0');
    await pair.responder.host.waitFor('it has the new endpoint', async () => {
      const { endpoint } = await pair.responder.peer(pair.initiator);
      return endpoint === formatEndpoint('192.0.2.11');
    });
    const before = answers(flow.stdout);
    await host.waitFor('the flow goes on', () => answers(flow.stdout) > before + 3);
    await flow.stop('SIGINT');
    assert.equal(await pair.responder.host.canPing(INSIDE.initiator[4]), true);
  });

  it('the responder is followed to its new address once it sends', async () => {
    await using pair = await openPair(initiator, responder);
    await meet(pair);
    const { host } = pair.responder;
    const flow = await host.spawn('ping', ['-n', '-i', '0.1', INSIDE.initiator[4]]);
    await host.waitFor('the flow is there', () => answers(flow.stdout) > 3);
    await host.ip('address del 192.0.2.2/24 dev eth0', 'address add 192.0.2.12/24 dev eth0');
    await pair.initiator.host.waitFor('it has the new endpoint', async () => {
      const { endpoint } = await pair.initiator.peer(pair.responder);
      return endpoint === formatEndpoint('192.0.2.12');
    });
    const before = answers(flow.stdout);
    await host.waitFor('the flow goes on', () => answers(flow.stdout) > before + 3);
    await flow.stop('SIGINT');
    assert.equal(await pair.initiator.host.canPing(INSIDE.responder[4]), true);
  });

  it('a peer is followed from IPv4 to IPv6', async () => {
    await using pair = await openPair(initiator, responder);
    await meet(pair);
    await pair.initiator.setPeer(pair.responder, {
      allowedIps: [`${INSIDE.responder[4]}/32`],
      endpoint: formatEndpoint('2001:db8::2'),
    });
    assert.equal(await pair.initiator.host.canPing(INSIDE.responder[4]), true);
    assert.equal((await pair.responder.peer(pair.initiator)).endpoint, formatEndpoint('2001:db8::1'));
  });
});

async function meet({ initiator }: Pair): Promise<void> {
  assert.equal(await initiator.host.canPing(INSIDE.responder[4]), true);
}

function answers(output: string): number {
  return output.match(/bytes from/g)?.length ?? 0;
}
