/** Flood pings and iperf3, TCP and UDP, IPv4 and IPv6 inside and outside, with packets of common and of huge size. */
import assert from 'node:assert/strict';
import { OURS_FIRST, describePairings, isOurs } from '../pairings.ts';
import type { Host } from '../lab/host.ts';
import { FAMILIES, INSIDE } from '../pair.ts';
import type { Tunnel } from '../tunnel.ts';
import { openHub } from './hub.ts';
import type { Hub } from './hub.ts';

/**
 * However long a daemon has to wait for the processor, what is sent meanwhile fits the queue of its interface (500 packets, or
 * what is set here) and the buffer of its socket (7 MB, and the kernel takes twice that): then nothing at all may be lost.
 */
const LOADS = [
  { mtu: 1420, pings: 500, udpBytes: 2_000_000 },
  { mtu: 34_500, pings: 100, udpBytes: 2_000_000 },
] as const;
const QUEUE_PACKETS = 5000;
const TCP_BYTES = 20_000_000;

describePairings(
  'load',
  (initiator, responder, it) => {
    // wireguard-go 0.0.20220316 has the system's buffer of 212,992 bytes, which does not hold so much.
    const losesNothing = isOurs(responder);
    for (const { mtu, pings, udpBytes } of LOADS)
      for (const outside of FAMILIES)
        it(`is carried over IPv${outside} with an MTU of ${mtu}`, async () => {
          await using hub = await openHub(initiator, responder, { mtu, outside });
          const [client, server] = [hub.initiator.inside, hub.responder.inside];
          for (const { inside, interface: name } of [hub.initiator, hub.responder])
            await inside.ip(`link set ${name} txqueuelen ${QUEUE_PACKETS}`);
          await client.ping(INSIDE.responder[4]);
          for (const inside of FAMILIES) {
            const address = INSIDE.responder[inside];
            const flood = ['-q', '-f', '-c', `${pings}`, '-W', '30', '-s', `${mtu - 48}`, address];
            const received = await packetsReceived(hub.initiator);
            await client.output('ping', flood);
            // ping itself does not wait for the last answer, and has room for few of such size.
            if (losesNothing)
              await client.waitFor('every ping is answered', async () => {
                return (await packetsReceived(hub.initiator)) >= received + pings;
              });
            const tcp = await measure(client, server, address, ['--bytes', `${TCP_BYTES}`]);
            // It stops when all is sent, whatever is still on its way.
            assert.ok(tcp.sum_received!.bytes > TCP_BYTES / 2, `${tcp.sum_received!.bytes} bytes received`);
            const udp = await measure(client, server, address, ['--udp', '--bitrate', '50M', '--bytes', `${udpBytes}`]);
            assert.ok(udp.sum!.bytes >= udpBytes, `${udp.sum!.bytes} bytes sent`);
            if (losesNothing) await receivesAllThatIsSent(hub);
          }
        });
  },
  { pairings: OURS_FIRST, programs: ['iperf3'] },
);

interface Sum {
  bytes: number;
}

/** The end of iperf3's report. */
async function measure(
  client: Host,
  server: Host,
  address: string,
  args: readonly string[],
): Promise<Record<string, Sum | undefined>> {
  const listener = await server.spawn('iperf3', ['--server', '--one-off']);
  await server.waitFor('iperf3 listens', async () => (await server.output('ss', ['-Hlnt', 'sport = :5201'])) !== '');
  const report = await client.output('iperf3', ['--json', '--client', address, ...args]);
  const { end, error } = JSON.parse(report) as { end: Record<string, Sum>; error?: string }; // its documented format
  assert.equal(error, undefined);
  await listener.result;
  return end;
}

/** Packets that the tunnel has given to its host. */
async function packetsReceived({ inside, interface: name }: Tunnel): Promise<number> {
  return Number(await inside.output('cat', [`/sys/class/net/${name}/statistics/rx_packets`]));
}

async function receivesAllThatIsSent({ host, initiator, responder }: Hub): Promise<void> {
  let seen = '';
  await host.waitFor(
    'each daemon has received what the other has sent',
    async () => {
      const [left, right] = [await initiator.peer(responder), await responder.peer(initiator)];
      seen = `${left.txBytes} -> ${right.rxBytes}, ${left.rxBytes} <- ${right.txBytes}`;
      return left.txBytes === right.rxBytes && left.rxBytes === right.txBytes;
    },
    { explain: () => seen },
  );
}
