import assert from 'node:assert/strict';
import { OURS_FIRST, describePairings } from './pairings.ts';
import type { Implementation } from './implementation.ts';
import { Lab } from './lab/lab.ts';
import { INSIDE, OUTSIDE, PORT, addHost, formatEndpoint, openPair } from './pair.ts';
import { Tunnel } from './tunnel.ts';

describePairings('cryptokey routing', (initiator, responder, it) => {
  it('a peer with a subnet cannot send as a host in it that is a peer of its own', async () => {
    await using scene = await openSubnetScene(initiator, responder);
    const { subnet, target } = scene;
    await subnet.host.ping('10.9.0.2');
    await target.host.output('nft', ['-f', '-'], { input: COUNT_SPOOFED });
    const before = (await target.peer(subnet)).rxBytes;
    assert.equal(await subnet.host.canPing('10.9.0.2', '-I', '10.9.0.3'), false);
    await target.host.waitFor('the packet has arrived', async () => (await target.peer(subnet)).rxBytes > before);
    const counted = await target.host.output('nft', ['list', 'counter', 'inet', 'spoofed', 'seen']);
    assert.match(counted, /packets 0 /);
    await subnet.host.ping('10.9.0.2', '-I', '10.9.0.77'); // the rest of the subnet is its own
  });
});

describePairings(
  'unreachable',
  (initiator, responder, it) => {
    // wireguard-go stays silent, the kernel and ours say so.
    it('an address without a peer is unreachable at once, in either family', async () => {
      await using pair = await openPair(initiator, responder);
      for (const address of ['10.9.0.77', 'fd09::77']) {
        const { exitCode, stdout } = await pair.initiator.host.run('ping', ['-n', '-c', '1', '-W', '5', address]);
        assert.equal(exitCode, 1);
        assert.match(stdout, /unreachable/i);
      }
    });

    it('a peer without an endpoint is unreachable until it has called', async () => {
      await using pair = await openPair(responder, initiator);
      const { host } = pair.responder;
      const { stdout } = await host.run('ping', ['-n', '-c', '1', '-W', '5', INSIDE.initiator[4]]);
      assert.match(stdout, /unreachable/i);
      await pair.initiator.host.ping(INSIDE.responder[4]);
      await host.ping(INSIDE.initiator[4]);
    });
  },
  { pairings: OURS_FIRST },
);

const COUNT_SPOOFED = `
  table inet spoofed {
    counter seen {}
    chain input {
      type filter hook prerouting priority raw; policy accept;
      ip saddr 10.9.0.3 counter name seen
    }
  }`;

/** A peer that stands for all of 10.9.0.0/24, but for 10.9.0.3, which is another peer's. */
async function openSubnetScene(
  initiator: Implementation,
  responder: Implementation,
): Promise<{ subnet: Tunnel; target: Tunnel } & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const lab = opening.use(await Lab.open());
  const network = await lab.switch();
  const [left, right] = [
    await addHost(lab, network, 'subnet', OUTSIDE.initiator),
    await addHost(lab, network, 'target', OUTSIDE.responder),
  ];
  // The spoofer has assigned itself what it will send from.
  const subnet = await Tunnel.open(left, initiator, {
    addresses: ['10.9.0.1/24', '10.9.0.77/24', '10.9.0.3/24'],
    listenPort: PORT,
  });
  const target = await Tunnel.open(right, responder, { addresses: ['10.9.0.2/24'], listenPort: PORT });
  const other = { publicKey: (await left.output('wg', ['genkey'])).trim() }; // any 32 bytes will do
  await target.setPeer(subnet, { allowedIps: ['10.9.0.0/24'] });
  await target.setPeer(other, { allowedIps: ['10.9.0.3/32'] });
  await subnet.setPeer(target, { allowedIps: ['10.9.0.2/32'], endpoint: formatEndpoint(OUTSIDE.responder[4]) });
  const opened = opening.move();
  return { subnet, target, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
