import assert from 'node:assert/strict';
import { MOSTLY_WAITING, describePairings } from './pairings.ts';
import type { Implementation } from './implementation.ts';
import { Lab } from './lab/lab.ts';
import { enableNat } from './lab/nat.ts';
import { INSIDE, PORT, addHost, formatEndpoint } from './pair.ts';
import { Tunnel } from './tunnel.ts';

/** Seconds without traffic after which the router forgets a flow. */
const UDP_TIMEOUT = 2;

/** The first may find the flow as it was, the others come when it has been idle for too long. */
const SLOW_PINGS = ['-n', '-c', '3', '-i', `${UDP_TIMEOUT + 1}`, '-W', '1', INSIDE.initiator[4]];
/** A machine that stands still for a second holds up keepalives, too. */
const KEPT_OPEN_TIMEOUT_MS = 300_000;

describePairings(
  'behind NAT',
  (initiator, responder, it) => {
    it('without keepalives, an idle peer is lost to the outside when the router forgets it', async () => {
      await using scene = await openScene(initiator, responder);
      const { inside, outside } = scene;
      await inside.host.ping(INSIDE.responder[4]);
      const { stdout } = await outside.host.run('ping', SLOW_PINGS);
      assert.match(stdout, /3 packets transmitted, [01] received/);
    });

    it('a persistent keepalive keeps it within reach', async () => {
      await using scene = await openScene(initiator, responder, 1);
      const { inside, outside } = scene;
      // Nothing was sent in the tunnel: the keepalive alone opened the way in.
      await outside.host.waitFor('the inside peer has called', async () => {
        return (await outside.peer(inside)).latestHandshake > 0;
      });
      await outside.host.waitFor(
        'three pings are answered, each after more silence than the router bears',
        async () => /3 packets transmitted, 3 received/.test((await outside.host.run('ping', SLOW_PINGS)).stdout),
        { timeoutMs: KEPT_OPEN_TIMEOUT_MS },
      );
    });
  },
  { programs: ['nft'], concurrency: MOSTLY_WAITING },
);

interface Scene extends AsyncDisposable {
  inside: Tunnel;
  outside: Tunnel;
}

/** A peer in a private network, whose router forgets quickly, and one on the internet. */
async function openScene(inner: Implementation, outer: Implementation, persistentKeepalive = 0): Promise<Scene> {
  await using opening = new AsyncDisposableStack();
  const lab = opening.use(await Lab.open());
  const [internet, home] = [await lab.switch(), await lab.switch()];
  const router = await addHost(lab, internet, 'router', { 4: '192.0.2.1', 6: '2001:db8::1' });
  await lab.connect(router, home, { interface: 'eth1', addresses: ['172.27.88.1/24'] });
  await enableNat(router, { outside: 'eth0', inside: 'eth1', udpTimeout: UDP_TIMEOUT });
  const innerHost = await lab.host('inside');
  await lab.connect(innerHost, home, { addresses: ['172.27.88.2/24'], routes: ['default via 172.27.88.1'] });
  const outerHost = await addHost(lab, internet, 'outside', { 4: '192.0.2.2', 6: '2001:db8::2' });
  const inside = await Tunnel.open(innerHost, inner, { addresses: [`${INSIDE.initiator[4]}/24`], listenPort: PORT });
  const outside = await Tunnel.open(outerHost, outer, { addresses: [`${INSIDE.responder[4]}/24`], listenPort: PORT });
  await outside.setPeer(inside, { allowedIps: [`${INSIDE.initiator[4]}/32`] });
  await inside.setPeer(outside, {
    allowedIps: [`${INSIDE.responder[4]}/32`],
    endpoint: formatEndpoint('192.0.2.2'),
    persistentKeepalive,
  });
  const opened = opening.move();
  return { inside, outside, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
