/** What ../roaming.test.ts leaves open: ports, and that routing and roaming are two things. */
import assert from 'node:assert/strict';
import { describePairings } from '../pairings.ts';
import { INSIDE, OUTSIDE, formatEndpoint, openPair } from '../pair.ts';

const ANOTHER_PORT = 9997;

describePairings('roaming', (initiator, responder, it) => {
  it('a peer is followed to another port, to another address and port, and to IPv6', async () => {
    await using pair = await openPair(initiator, responder);
    const { initiator: moving, responder: staying } = pair;
    const assertSeenAt = async (endpoint: string): Promise<void> => {
      await moving.host.ping(INSIDE.responder[4]);
      assert.equal((await staying.peer(moving)).endpoint, endpoint);
      await staying.host.ping(INSIDE.initiator[4]);
    };
    await assertSeenAt(formatEndpoint(OUTSIDE.initiator[4]));
    await moving.host.output('wg', ['set', 'wg0', 'listen-port', `${ANOTHER_PORT}`]);
    await assertSeenAt(formatEndpoint(OUTSIDE.initiator[4], ANOTHER_PORT));
    // Its old address is still good, but the way to the peer now starts from another.
    await moving.host.ip('address add 192.0.2.77/32 dev eth0', 'route add 192.0.2.2/32 dev eth0 src 192.0.2.77');
    await moving.host.output('wg', ['set', 'wg0', 'listen-port', `${ANOTHER_PORT + 1}`]);
    await setEndpoint(formatEndpoint(OUTSIDE.responder[4]));
    await assertSeenAt(formatEndpoint('192.0.2.77', ANOTHER_PORT + 1));
    await setEndpoint(formatEndpoint(OUTSIDE.responder[6]));
    await assertSeenAt(formatEndpoint(OUTSIDE.initiator[6], ANOTHER_PORT + 1));

    async function setEndpoint(endpoint: string): Promise<void> {
      await moving.setEndpoint(staying, endpoint);
    }
  });
});

describePairings('a more specific allowed IP of another peer', (initiator, responder, it) => {
  it('makes packets drop, while the endpoint still moves', async () => {
    await using pair = await openPair(initiator, responder);
    const { initiator: moving, responder: staying } = pair;
    const { host } = staying;
    await moving.host.ping(INSIDE.responder[4]);
    const other = (await host.output('wg', ['genkey'])).trim(); // any 32 bytes will do
    await staying.setPeer(moving, { allowedIps: ['10.9.0.0/24'] });
    await moving.host.ping(INSIDE.responder[4]);
    await host.output('wg', ['set', 'wg0', 'peer', other, 'allowed-ips', `${INSIDE.initiator[4]}/32`]);
    const before = (await staying.peer(moving)).rxBytes;
    await moving.host.output('wg', ['set', 'wg0', 'listen-port', `${ANOTHER_PORT}`]);
    assert.equal(await moving.host.canPing(INSIDE.responder[4]), false);
    const { endpoint, rxBytes } = await staying.peer(moving);
    assert.equal(endpoint, formatEndpoint(OUTSIDE.initiator[4], ANOTHER_PORT));
    assert.ok(rxBytes > before, 'it was authentic, and counted');
    await host.output('wg', ['set', 'wg0', 'peer', other, 'remove']);
    await moving.host.ping(INSIDE.responder[4]);
  });
});
