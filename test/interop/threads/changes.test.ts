/** Whatever is done to a tunnel while it carries a flow: the flow goes on, and those of others lose nothing. */
import assert from 'node:assert/strict';
import { peerage } from '../implementation.ts';
import { EACH_OF_OURS, describePairings } from '../pairings.ts';
import { INSIDE, OUTSIDE, openPair } from '../pair.ts';
import { startFlow } from './flow.ts';

const ROUNDS = 8;
const PING_INTERVAL_S = '0.05';

describePairings(
  'a tunnel that is changed under load',
  (initiator, responder, it) => {
    it('goes on when its peer is removed and comes back: packets wait for the new keys', async () => {
      await using pair = await openPair(initiator, responder);
      const { host, interface: name } = pair.initiator;
      const flow = await startFlow(host, pair.responder.host, INSIDE.responder[4], '100M');
      await flow.waitForProgress();
      const key = pair.responder.publicKey;
      const settings = ['endpoint', `${OUTSIDE.responder[4]}:51820`, 'allowed-ips', `${INSIDE.responder[4]}/32`];
      for (let round = 0; round < ROUNDS; round++) {
        await host.output('wg', ['set', name, 'peer', key, 'remove']);
        await host.output('wg', ['set', name, 'peer', key, ...settings]);
        await flow.waitForProgress();
      }
      await flow.stop();
    });

    it('goes on when its own end moves to another address', async () => {
      await using pair = await openPair(initiator, responder);
      const flow = await startFlow(pair.initiator.host, pair.responder.host, INSIDE.responder[4], '100M');
      await flow.waitForProgress();
      let current: string = OUTSIDE.initiator[4];
      for (let round = 0; round < ROUNDS; round++) {
        const next = `192.0.2.${100 + round}`;
        // In this order: with the first address of a network its others go, too.
        await pair.initiator.host.ip(`address delete ${current}/24 dev eth0`, `address add ${next}/24 dev eth0`);
        current = next;
        await pair.responder.host.waitFor('the endpoint follows', async () =>
          (await pair.responder.peer(pair.initiator)).endpoint.startsWith(`${next}:`),
        );
        await flow.waitForProgress();
      }
      await flow.stop();
    });

    it('ends at once and leaves nothing', async () => {
      for (let round = 0; round < 3; round++) {
        await using pair = await openPair(initiator, responder);
        const flow = await startFlow(pair.initiator.host, pair.responder.host, INSIDE.responder[4], '0');
        await flow.waitForProgress();
        const { host, daemon, interface: name } = pair.initiator;
        await daemon.signal('SIGTERM');
        const { exitCode, stderr } = await daemon.result;
        assert.equal(exitCode, 0, stderr);
        assert.notEqual((await host.run('ip', ['link', 'show', name])).exitCode, 0);
        assert.notEqual((await host.run('test', ['-e', `/run/wireguard/${name}.sock`])).exitCode, 0);
        await flow.stop();
      }
    });
  },
  { pairings: [...EACH_OF_OURS, [peerage, peerage]], programs: ['iperf3'] },
);

// Not with wireguard-go as the receiver: of before 2023 it loses some of what comes in bursts, whoever sends them.
describePairings(
  'allowed IPs and peers that come and go beside a fast flow',
  (initiator, responder, it) => {
    it('cost a slow flow nothing', async () => {
      await using pair = await openPair(initiator, responder);
      const { host, interface: name } = pair.initiator;
      const flow = await startFlow(host, pair.responder.host, INSIDE.responder[6], '20M');
      await flow.waitForProgress();
      const ping = await host.spawn('ping', ['-n', '-i', PING_INTERVAL_S, INSIDE.responder[4]]);
      const others = Array.from({ length: 250 }, (_, i) => `10.77.${i}.0/24`).join(',');
      const own = `${INSIDE.responder[4]}/32,${INSIDE.responder[6]}/128`;
      for (let round = 0; round < ROUNDS; round++) {
        const other = (await host.output('wg', ['genkey'])).trim();
        await host.output('wg', ['set', name, 'peer', other, 'allowed-ips', others]);
        await host.output('wg', ['set', name, 'peer', pair.responder.publicKey, 'allowed-ips', `${own},${others}`]);
        await host.output('wg', ['set', name, 'peer', pair.responder.publicKey, 'allowed-ips', own]);
        await host.output('wg', ['set', name, 'peer', other, 'remove']);
        await flow.waitForProgress();
      }
      const { stdout } = await ping.stop('SIGINT');
      const answered = Array.from(stdout.matchAll(/icmp_seq=(\d+)/g), ([, number]) => Number(number));
      assert.ok(answered.length > ROUNDS);
      assert.deepEqual(
        answered,
        answered.map((_, i) => i + 1),
        'each in its turn',
      );
      await flow.stop();
    });
  },
  { pairings: [[peerage, peerage]], programs: ['iperf3'] },
);
