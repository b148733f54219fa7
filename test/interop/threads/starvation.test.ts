/** A flood of datagrams one way, while a TCP flow and pings go the other way: nothing starves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peerage } from '../implementation.ts';
import type { Host } from '../lab/host.ts';
import { labOptions } from '../lab/requirements.ts';
import { INSIDE, openPair } from '../pair.ts';

const FLOOD_PORT = '5301';
const FLOW_PORT = '5302';
/** The flood is under way. */
const FLOOD_BYTES = 20_000_000;
const ANSWERS = 20;
const TIMEOUT_MS = 300_000;

async function serve(host: Host, port: string): Promise<void> {
  await host.spawn('iperf3', ['--server', '--port', port]);
  await host.waitFor(`iperf3 listens on ${port}`, async () =>
    (await host.output('ss', ['-Hlnt', `sport = :${port}`])).includes(port),
  );
}

describe('a tunnel that is flooded with datagrams', labOptions('wg', 'ping', 'ss', 'iperf3'), () => {
  it('carries a TCP flow and pings the other way', async () => {
    await using pair = await openPair(peerage, peerage);
    const { initiator, responder } = pair;
    const from = await initiator.host.spawn('ping', ['-n', '-c', '1', '-W', '60', INSIDE.responder[4]]);
    assert.equal((await from.result).exitCode, 0); // the responder knows where the initiator is
    await serve(responder.host, FLOOD_PORT);
    await serve(initiator.host, FLOW_PORT);
    const received = async (): Promise<number> => (await responder.peer(initiator)).rxBytes;

    const args = ['--client', INSIDE.responder[4], '--port', FLOOD_PORT, '--udp', '--bitrate', '0', '--time', '3600'];
    const flood = await initiator.host.spawn('iperf3', args);
    const explain = (): string => `${flood.stdout}${flood.stderr}`;
    const start = await received();
    await responder.host.waitFor('the flood comes in', async () => (await received()) > start + FLOOD_BYTES, {
      explain,
    });

    const ping = await responder.host.spawn('ping', ['-n', '-i', '0.1', INSIDE.initiator[4]]);
    const flow = ['--client', INSIDE.initiator[4], '--port', FLOW_PORT, '--bytes', '10M', '--json'];
    const { exitCode, stdout } = await responder.host.run('iperf3', flow, { timeoutMs: TIMEOUT_MS });
    assert.equal(exitCode, 0, stdout);
    const answered = (): number => ping.stdout.match(/icmp_seq=/g)?.length ?? 0;
    await responder.host.waitFor('the pings are answered', () => answered() >= ANSWERS, { explain: () => ping.stdout });

    const end = await received();
    await responder.host.waitFor('the flood goes on', async () => (await received()) > end + FLOOD_BYTES, { explain });
    await ping.stop('SIGINT');
    await flood.stop('SIGKILL');
  });
});
