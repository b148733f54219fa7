/** A tunnel as the default route, in the way of wg-quick: its marked datagrams go around it, all else goes through it. */
import assert from 'node:assert/strict';
import { OURS_FIRST, describePairings } from '../pairings.ts';
import type { Host } from '../lab/host.ts';
import { FAMILIES, INSIDE, OUTSIDE, formatEndpoint, openPair } from '../pair.ts';

const MARK = '51820';

/** Addresses of the responder to which only default routes lead: one to be the endpoint, others to be reached. */
const ENDPOINT = '198.51.100.2';
const FAR = { 4: '203.0.113.1', 6: '2001:db8:ffff::1' } as const;

describePairings(
  'a tunnel as the default route',
  (initiator, responder, it) => {
    it('takes all that has no better way, and its own datagrams only without a mark', async () => {
      await using pair = await openPair(initiator, responder);
      const { initiator: left, responder: right } = pair;
      const { host } = left;
      await right.host.ip(...[ENDPOINT, FAR[4], FAR[6]].map((address) => `address add ${address} dev lo`));
      for (const family of FAMILIES) await host.ip(`route add default via ${OUTSIDE.responder[family]}`);
      await left.setPeer(right, { allowedIps: ['0.0.0.0/0', '::/0'], endpoint: formatEndpoint(ENDPOINT) });
      await routeThroughTunnel(host);
      assert.equal(await host.canPing(FAR[4]), false, 'what it sends comes back to it');
      await host.output('wg', ['set', 'wg0', 'fwmark', MARK]);
      await host.waitFor('it gets through', () => host.canPing(FAR[4]));
      await host.ping(FAR[6]);
      assert.match(await host.output('ip', ['route', 'get', FAR[4]]), / dev wg0 /);
      assert.match(await host.output('ip', ['route', 'get', FAR[6]]), / dev wg0 /);
      // The main table counts but for its default route: what is near is still reached directly.
      assert.match(await host.output('ip', ['route', 'get', OUTSIDE.responder[4]]), / dev eth0 /);
      assert.equal((await right.peer(left)).endpoint, formatEndpoint(OUTSIDE.initiator[4]));
      await right.host.ping(INSIDE.initiator[4]);
    });
  },
  { pairings: OURS_FIRST },
);

async function routeThroughTunnel(host: Host): Promise<void> {
  // Answers to marked datagrams come in unmarked: the reverse path filter has to look with the mark.
  await host.output('sysctl', ['-qw', 'net.ipv4.conf.all.src_valid_mark=1']);
  for (const family of ['-4', '-6'])
    for (const line of [
      `route add default dev wg0 table ${MARK}`,
      `rule add not fwmark ${MARK} table ${MARK}`,
      'rule add table main suppress_prefixlength 0',
    ])
      await host.output('ip', [family, ...line.split(' ')]);
}
