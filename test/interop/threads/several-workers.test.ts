/** More threads than one for each direction: flows stay whole whatever is done to their tunnel, and nothing is taken twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { binary, bun, deno, peerage, withThreads } from '../implementation.ts';
import { formatEndpoint, INSIDE, openPair, OUTSIDE, PORT } from '../pair.ts';
import { labOptions } from '../lab/requirements.ts';
import { describePairings } from '../pairings.ts';
import type { Tunnel } from '../tunnel.ts';
import { startFlows } from './flows.ts';
import type { Order, Report } from './programs/send-from-many-ports.ts';

/** Sockets at which a host that changes its port so often has come from more than one, but for once in a thousand times. */
const PORTS = [51_821, 51_822, 51_823, 51_824, 51_825];
const LOG = { env: { LOG_LEVEL: 'info' } };
const PROGRAM = fileURLToPath(new URL('programs/send-from-many-ports.ts', import.meta.url));
const COPIES = 16;
const MESSAGES = 50;

describePairings(
  'a tunnel with several threads for each direction',
  (initiator, responder, run) => {
    run('carries many flows both ways, through new keys, other ports, addresses and routes, and ends', async () => {
      await using pair = await openPair(initiator, responder, { tunnels: { initiator: LOG, responder: LOG } });
      const { host, interface: name } = pair.initiator;
      const flows = await startFlows(host, pair.responder.host, {
        address: INSIDE.responder[4],
        count: 4,
        bitrate: '8M',
      });
      await flows.waitForProgress('at first');
      const key = pair.responder.publicKey;
      const own = `${INSIDE.responder[4]}/32`;
      const settings = ['endpoint', formatEndpoint(OUTSIDE.responder[4]), 'allowed-ips', own];
      await host.output('wg', ['set', name, 'peer', key, 'remove']);
      await host.output('wg', ['set', name, 'peer', key, ...settings]);
      await flows.waitForProgress('under new keys');

      for (const port of PORTS) {
        await host.output('wg', ['set', name, 'listen-port', String(port)]);
        await pair.responder.host.waitFor('the endpoint follows', async () =>
          (await pair.responder.peer(pair.initiator)).endpoint.endsWith(`:${port}`),
        );
      }
      await flows.waitForProgress('from another port');

      const next = '192.0.2.99';
      await host.ip(`address delete ${OUTSIDE.initiator[4]}/24 dev eth0`, `address add ${next}/24 dev eth0`);
      await pair.responder.host.waitFor('the endpoint follows', async () =>
        (await pair.responder.peer(pair.initiator)).endpoint.startsWith(`${next}:`),
      );
      await flows.waitForProgress('from another address');

      const others = Array.from({ length: 100 }, (_, i) => `10.77.${i}.0/24`).join(',');
      await host.output('wg', ['set', name, 'peer', key, 'allowed-ips', `${own},${others}`]);
      await host.output('wg', ['set', name, 'peer', key, 'allowed-ips', own]);
      await flows.waitForProgress('with other allowed IPs');

      for (const tunnel of [pair.initiator, pair.responder]) {
        const drops = await endAndReadDrops(tunnel);
        assert.equal(drops['bad-tag'], undefined, 'no two threads have used the same cipher at once');
      }
      await flows.stop();
    });
  },
  {
    pairings: [
      [withThreads(peerage, 8), withThreads(bun, 4)],
      [withThreads(deno, 5), withThreads(binary, 4)],
    ],
    programs: ['iperf3'],
  },
);

describe('a datagram that comes again from other ports', labOptions('wg', 'ss', 'ip'), () => {
  it('is taken once, whichever of the sockets its copies come to', async () => {
    const tunnels = { responder: LOG };
    await using pair = await openPair(peerage, withThreads(peerage, 8), { tunnels });
    const { initiator, responder } = pair;
    const sockets = await responder.host.output('ss', ['-Hlnu4', `sport = :${PORT}`]);
    assert.equal(sockets.trim().split('\n').length, 4);
    const link = await responder.host.output('ip', ['-details', 'link', 'show', responder.interface]);
    assert.match(link, /multi_queue numqueues 4 numdisabled 1/);
    await initiator.stop();
    const order: Order = {
      privateKey: initiator.privateKey,
      publicKey: responder.publicKey,
      endpoint: formatEndpoint(OUTSIDE.responder[4]),
      from: INSIDE.initiator[4],
      to: INSIDE.responder[4],
      copies: COPIES,
      messages: MESSAGES,
    };
    const report = JSON.parse(
      await initiator.host.output('node', [PROGRAM], { input: JSON.stringify(order), timeoutMs: 300_000 }),
    ) as Report; // the program's
    assert.equal(report.messages, MESSAGES);
    assert.equal(await receivedEchoes(responder), MESSAGES);
    const drops = await endAndReadDrops(responder);
    assert.ok(drops['replayed']! > MESSAGES, `${drops['replayed']} copies were refused`);
  });
});

/** What the daemon says that it has dropped, by reason. */
async function endAndReadDrops({ daemon }: Tunnel): Promise<Record<string, number>> {
  await daemon.signal('SIGTERM');
  const { exitCode, stdout, stderr } = await daemon.result;
  const log = `${stdout}${stderr}`;
  assert.equal(exitCode, 0, log);
  const line = log.split('\n').find((text) => text.includes('closing')) ?? '';
  const { drops } = JSON.parse(line.slice(line.indexOf('{'))) as { drops: Record<string, number> }; // our log
  return drops;
}

/** Echo requests that the kernel has got. */
async function receivedEchoes({ host }: Tunnel): Promise<number> {
  const lines = (await host.output('cat', ['/proc/net/snmp'])).split('\n').filter((line) => line.startsWith('Icmp:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return Number(values[names.indexOf('InEchos')]);
}
