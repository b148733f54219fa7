import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describePairings } from './implementation.ts';
import type { Implementation } from './implementation.ts';
import type { Host } from './lab/host.ts';
import { Lab } from './lab/lab.ts';
import { enableNat } from './lab/nat.ts';
import { INSIDE, PORT, addHost, formatEndpoint } from './pair.ts';
import { Tunnel } from './tunnel.ts';

const UDP_TIMEOUT_S = 2;

describePairings(
  'behind NAT',
  (initiator, responder) => {
    it('an idle peer is lost to the outside when the router forgets it', async () => {
      await using scene = await openScene(initiator, responder);
      const { inside, outside, router } = scene;
      assert.equal(await inside.host.canPing(INSIDE.responder[4]), true);
      assert.equal(await outside.host.canPing(INSIDE.initiator[4]), true);
      await router.waitFor('it has forgotten the flow', async () => (await countFlows(router)) === 0, {
        timeoutMs: 30_000, // passive keepalives come up to 10 seconds after the last data
      });
      assert.equal(await outside.host.canPing(INSIDE.initiator[4]), false);
    });

    it('a persistent keepalive keeps it within reach', async () => {
      await using scene = await openScene(initiator, responder, 1);
      const { inside, outside } = scene;
      // Nothing was sent in the tunnel: the keepalive alone opened the way in.
      await outside.host.waitFor('the inside peer has called', async () => {
        return (await outside.peer(inside)).latestHandshake > 0;
      });
      const everyThreeSeconds = ['-q', '-n', '-c', '3', '-i', `${UDP_TIMEOUT_S + 1}`, '-W', '1'];
      const pings = await outside.host.output('ping', [...everyThreeSeconds, INSIDE.initiator[4]]);
      assert.match(pings, / 0% packet loss/);
    });
  },
  { programs: ['nft'] },
);

interface Scene extends AsyncDisposable {
  inside: Tunnel;
  outside: Tunnel;
  router: Host;
}

/** A peer in a private network, whose router forgets quickly, and one on the internet. */
async function openScene(inner: Implementation, outer: Implementation, persistentKeepalive = 0): Promise<Scene> {
  const lab = await Lab.open();
  const [internet, home] = [await lab.switch(), await lab.switch()];
  const router = await addHost(lab, internet, 'router', { 4: '192.0.2.1', 6: '2001:db8::1' });
  await lab.connect(router, home, { interface: 'eth1', addresses: ['172.27.88.1/24'] });
  await enableNat(router, { outside: 'eth0', inside: 'eth1', udpTimeout: UDP_TIMEOUT_S });
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
  return { inside, outside, router, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
}

async function countFlows(router: Host): Promise<number> {
  return Number(await router.output('sysctl', ['-n', 'net.netfilter.nf_conntrack_count']));
}
