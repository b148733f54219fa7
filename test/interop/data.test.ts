import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describePairings } from './pairings.ts';
import type { Host } from './lab/host.ts';
import { FAMILIES, INSIDE, openPair } from './pair.ts';
import { transfer, TRANSFER_PROGRAMS } from './transfer.ts';
import type { Tunnel } from './tunnel.ts';

const DATAGRAMS = fileURLToPath(new URL('programs/datagrams.ts', import.meta.url));
const BULK_BYTES = 40_000_000;

describePairings(
  'data',
  (initiator, responder, it) => {
    it('TCP in bulk arrives as it was sent, both directions at a time', async () => {
      await using pair = await openPair(initiator, responder);
      const [left, right] = [pair.initiator, pair.responder];
      await left.host.ping(INSIDE.responder[4]);
      await Promise.all([
        transfer(left, right, INSIDE.responder[4], BULK_BYTES),
        transfer(right, left, INSIDE.initiator[6], BULK_BYTES), // the way back over IPv6
      ]);
    });

    it('UDP datagrams of every length come back as they were', async () => {
      await using pair = await openPair(initiator, responder);
      for (const family of FAMILIES) {
        const address = INSIDE.responder[family];
        const echo = await pair.responder.host.spawn('node', [DATAGRAMS, 'echo', address]);
        await pair.responder.host.waitFor('the echo listens', () => echo.stdout.includes('ready'));
        await pair.initiator.host.output('node', [DATAGRAMS, 'check', address]);
        await echo.stop();
      }
    });

    it('packets as large as the MTU allows get through whole, larger ones are refused', async () => {
      await using pair = await openPair(initiator, responder);
      for (const { host } of [pair.initiator, pair.responder]) await host.ping(other(pair, host));
      const { host } = pair.initiator;
      assert.equal(await pingWhole(host, INSIDE.responder[4], 1420 - 28), true);
      assert.equal(await pingWhole(host, INSIDE.responder[6], 1420 - 48), true);
      assert.equal(await pingWhole(host, INSIDE.responder[4], 1420 - 27), false);
    });

    it('jumbo packets cross a network of jumbo frames, and a common one in fragments', async () => {
      for (const outsideMtu of [9100, 1500]) {
        await using pair = await openPair(initiator, responder, { mtu: 9000, outsideMtu });
        const { host } = pair.initiator;
        await host.waitFor('it reaches the responder', () => host.canPing(INSIDE.responder[4]));
        await reachesWhole(host, INSIDE.responder[4], 9000 - 28);
        await reachesWhole(host, INSIDE.responder[6], 9000 - 48);
      }
    });

    it('the largest packets that fit a datagram get through', async () => {
      const mtu = 65_535 - 80;
      await using pair = await openPair(initiator, responder, { mtu, outsideMtu: 65_535 });
      const { host } = pair.initiator;
      await host.waitFor('it reaches the responder', () => host.canPing(INSIDE.responder[4]));
      await reachesWhole(host, INSIDE.responder[4], mtu - 28);
    });
  },
  { programs: TRANSFER_PROGRAMS },
);

/** One ping with so many bytes of payload that may not be fragmented inside the tunnel. */
function pingWhole(host: Host, address: string, payload: number): Promise<boolean> {
  return host.canPing(address, '-W', '30', '-M', 'do', '-s', `${payload}`);
}

/** The same as soon as both ends know the MTU that their interfaces were given, which some look at once a second. */
async function reachesWhole(host: Host, address: string, payload: number): Promise<void> {
  const options = ['-M', 'do', '-s', `${payload}`];
  await host.waitFor(`${payload} bytes get through whole`, () => host.canPing(address, ...options));
}

function other(pair: { initiator: Tunnel }, host: Host): string {
  return host === pair.initiator.host ? INSIDE.responder[4] : INSIDE.initiator[4];
}
