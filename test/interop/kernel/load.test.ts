/** Flood pings and iperf3, TCP and UDP, IPv4 and IPv6 inside and outside, with packets of common and of huge size. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OURS_FIRST, describePairings } from '../implementation.ts';
import type { Host } from '../lab/host.ts';
import { FAMILIES, INSIDE } from '../pair.ts';
import { openHub } from './hub.ts';

const MTUS = [1420, 34_500];
const PINGS = 500;
const TCP_BYTES = 20_000_000;
const UDP_BYTES = 2_000_000;

describePairings(
  'load',
  (initiator, responder) => {
    for (const mtu of MTUS)
      for (const outside of FAMILIES)
        it(`is carried over IPv${outside} with an MTU of ${mtu}`, async () => {
          await using hub = await openHub(initiator, responder, { mtu, outside });
          const [client, server] = [hub.initiator.inside, hub.responder.inside];
          assert.equal(await client.canPing(INSIDE.responder[4], '-W', '5'), true);
          await server.spawn('iperf3', ['--server']);
          await server.waitFor('iperf3 listens', async () => (await server.output('ss', ['-Hlnt'])) !== '');
          for (const inside of FAMILIES) {
            const address = INSIDE.responder[inside];
            const { stdout } = await client.run('ping', ['-q', '-f', '-c', `${PINGS}`, '-s', `${mtu - 48}`, address]);
            assert.match(stdout, new RegExp(`${PINGS} received, 0% packet loss`));
            const tcp = await measure(client, address, ['--bytes', `${TCP_BYTES}`]);
            // It stops when all is sent, whatever is still on its way.
            assert.ok(tcp.sum_received!.bytes > TCP_BYTES / 2, `${tcp.sum_received!.bytes} bytes received`);
            const udp = await measure(client, address, ['--udp', '--bitrate', '50M', '--bytes', `${UDP_BYTES}`]);
            // Both ends and both daemons share this machine: some loss is its own.
            assert.ok(udp.sum!.lost_percent! < 20, `${udp.sum!.lost_percent} % lost`);
          }
        });
  },
  { pairings: OURS_FIRST, programs: ['iperf3'] },
);

interface Sum {
  bytes: number;
  lost_percent?: number;
}

/** The end of iperf3's report. */
async function measure(
  client: Host,
  address: string,
  args: readonly string[],
): Promise<Record<string, Sum | undefined>> {
  const report = await client.output('iperf3', ['--json', '--client', address, ...args]);
  const { end, error } = JSON.parse(report) as { end: Record<string, Sum>; error?: string }; // its documented format
  assert.equal(error, undefined);
  return end;
}
