/** Which address a tunnel's datagrams come from: the one that was written to, for as long as it is there. */
import assert from 'node:assert/strict';
import type { Host } from '../lab/host.ts';
import { OURS_FIRST, describePairings, isOurs } from '../pairings.ts';
import { FAMILIES, INSIDE, OUTSIDE, formatEndpoint, openPair } from '../pair.ts';
import type { Family } from '../pair.ts';

/** Further addresses of both hosts, which routing would not choose by itself. */
const SECOND = {
  initiator: { 4: '192.0.2.101', 6: '2001:db8::101' },
  responder: { 4: '192.0.2.102', 6: '2001:db8::102' },
} as const;
const PREFIX_LENGTH = { 4: 24, 6: 64 } as const;

describePairings(
  'replies',
  (initiator, responder, it) => {
    it('leave from the address that was written to, the first or the second of either family', async () => {
      await using pair = await openPair(initiator, responder);
      const { initiator: left, responder: right } = pair;
      for (const family of FAMILIES) await right.host.ip(addSecond('responder', family));
      for (const family of FAMILIES)
        for (const addresses of [OUTSIDE, SECOND]) {
          const endpoint = formatEndpoint(addresses.responder[family]);
          await left.setEndpoint(right, endpoint);
          await left.host.ping(INSIDE.responder[4]);
          await right.host.ping(INSIDE.initiator[4]);
          // Had an answer come from elsewhere, the initiator would have followed it there.
          assert.equal((await left.peer(right)).endpoint, endpoint);
        }
    });
  },
  { pairings: OURS_FIRST.map(([ours, other]) => [other, ours] as const) },
);

describePairings(
  'a source address that is deleted',
  (initiator, responder, it) => {
    for (const family of FAMILIES)
      it(`does not keep the next packet from going out over IPv${family}`, async () => {
        await using pair = await openPair(responder, initiator, { outside: family });
        const { initiator: staying, responder: losing } = pair;
        await losing.host.ip(addSecond('responder', family));
        const first = formatEndpoint(OUTSIDE.responder[family]);
        const second = formatEndpoint(SECOND.responder[family]);
        await staying.setEndpoint(losing, second);
        await staying.host.ping(INSIDE.responder[4]);
        assert.equal((await staying.peer(losing)).endpoint, second);
        await losing.host.ip(`address del ${SECOND.responder[family]}/${PREFIX_LENGTH[family]} dev eth0`);
        await losing.host.ping(INSIDE.initiator[4]); // one packet, and no other attempt
        assert.equal((await staying.peer(losing)).endpoint, first);
        await staying.host.ping(INSIDE.responder[4]);
      });
  },
  { pairings: OURS_FIRST },
);

describePairings(
  'a way out that changes to another interface, whose address is another',
  (initiator, responder, it) => {
    for (const family of FAMILIES)
      for (const role of ['initiator', 'responder'] as const) {
        if (!isOurs(role === 'initiator' ? initiator : responder)) continue;
        it(`is taken by the next packet of the ${role} over IPv${family}`, async () => {
          await using pair = await openPair(initiator, responder, { outside: family });
          const { [role]: moving, [role === 'initiator' ? 'responder' : 'initiator']: staying } = pair;
          await pair.initiator.host.ping(INSIDE.responder[4]);
          assert.equal((await staying.peer(moving)).endpoint, formatEndpoint(OUTSIDE[role][family]));
          const { host } = moving;
          const address = `${SECOND[role][family]}/${PREFIX_LENGTH[family]}`;
          await pair.lab.connect(host, pair.network, { interface: 'eth1', addresses: [address] });
          // The IPv4 address stays where it is, so that the kernel would still send from it.
          await host.ip('link set eth0 down');
          const destination = OUTSIDE[staying === pair.initiator ? 'initiator' : 'responder'][family];
          await host.waitFor('there is another way', async () => {
            const { stdout } = await host.run('ip', ['route', 'get', destination]);
            if (!/ dev eth1 /.test(stdout) || !stdout.includes(` src ${SECOND[role][family]} `)) return false;
            // A port that a bridge has just got may lose what comes first: that is not what is asked here.
            return host.canPing(destination);
          });
          // A tunnel hears of it from the kernel, and not before it has a core to run on.
          await host.waitFor('the news of the kernel is taken', () => hasNoNews(host));
          const inside = INSIDE[role === 'initiator' ? 'responder' : 'initiator'][4];
          await host.ping(inside); // one packet, and no other attempt
          assert.equal((await staying.peer(moving)).endpoint, formatEndpoint(SECOND[role][family]));
        });
      }
  },
);

/** Whether nothing waits in any netlink socket of the host: the fifth column is how many bytes do. */
async function hasNoNews(host: Host): Promise<boolean> {
  const [, ...sockets] = (await host.output('cat', ['/proc/net/netlink'])).trimEnd().split('\n');
  return sockets.every((socket) => socket.trim().split(/\s+/)[4] === '0');
}

/** Deprecated, so that it is never chosen as a source where there is another. */
function addSecond(role: keyof typeof SECOND, family: Family): string {
  const lifetime = family === 6 ? ' preferred_lft 0' : '';
  return `address add ${SECOND[role][family]}/${PREFIX_LENGTH[family]} dev eth0${lifetime}`;
}
