import assert from 'node:assert/strict';
import { OURS, wireguardGo } from './implementation.ts';
import type { Implementation, Ours } from './implementation.ts';
import { describePairings, isOurs } from './pairings.ts';
import type { Pairing } from './pairings.ts';
import { INSIDE, PORT, openPair } from './pair.ts';
import type { Pair } from './pair.ts';

/** Files on the host that listens. */
const KEY_LOG = '/run/tmp/keys.log';
const CAPTURE = '/run/tmp/capture.pcap';

const PAYLOAD = '70656572616765'; // "peerage", repeated in each ping

describePairings(
  'eavesdropper',
  (initiator, responder, it) => {
    const role = isOurs(initiator) ? 'initiator' : 'responder';

    it('with a key log, tshark decrypts the handshake and the data of ours', async () => {
      const debugging = { args: ['--debug'], env: { PEERAGE_KEYLOG: KEY_LOG } };
      await using pair = await openPair(initiator, responder, { tunnels: { [role]: debugging } });
      await captureAPing(pair, role);
      const { host } = pair[role];
      assert.equal(await host.output('stat', ['-c', '%a', KEY_LOG]), '600\n');
      assert.deepEqual(await dissect(pair, role, 'wg.type == 1', 'wg.static'), [pair.initiator.publicKey]);
      assert.deepEqual(await dissect(pair, role, 'wg.handshake_ok == 1', 'wg.type'), ['2']);
      const [payload, ...more] = await dissect(pair, role, 'icmp.type == 8', 'data.data');
      assert.match(payload ?? '', new RegExp(`(${PAYLOAD}){5}`));
      assert.deepEqual(more, []);
    });

    it('without one, nothing of the data is to be seen, and nothing is written', async () => {
      // The variable alone must not be enough: a debugging flag has to be given, too.
      const careless = { env: { PEERAGE_KEYLOG: KEY_LOG } };
      await using pair = await openPair(initiator, responder, { tunnels: { [role]: careless } });
      await captureAPing(pair, role);
      const { host } = pair[role];
      assert.notEqual((await host.run('test', ['-e', KEY_LOG])).exitCode, 0);
      assert.equal((await host.run('grep', ['-c', 'peerage', CAPTURE])).stdout, '0\n');
      assert.deepEqual(await dissect(pair, role, 'icmp', 'icmp.type'), []);
      assert.deepEqual((await dissect(pair, role, 'wg', 'wg.type')).slice(0, 3), ['1', '2', '4']);
    });
  },
  {
    pairings: OURS.map(allowedToWrite).flatMap((ours): Pairing[] => [
      [ours, wireguardGo],
      [wireguardGo, ours],
    ]),
    programs: ['tcpdump', 'tshark'],
  },
);

/** Started as a program that may write files: what Deno allows a tunnel by itself is less than a key log takes. */
function allowedToWrite(ours: Ours): Implementation {
  const command = ours.commands['peerage-tun'];
  return { ...ours, wrapper: command.slice(0, -1), program: command.at(-1)! };
}

async function captureAPing(pair: Pair, role: 'initiator' | 'responder'): Promise<void> {
  const { host } = pair[role];
  const capture = await host.spawn('tcpdump', ['-U', '-i', 'eth0', '-w', CAPTURE, 'udp', 'port', `${PORT}`]);
  await host.waitFor('it listens', () => capture.stderr.includes('listening on'));
  await pair.initiator.host.ping(INSIDE.responder[4], '-p', PAYLOAD, '-s', '70');
  await host.waitFor(
    'the answer is captured',
    async () => (await dissect(pair, role, 'wg.type == 4', 'wg.type')).length > 1,
  );
  await capture.stop('SIGINT');
}

/** One field of each packet that passes a display filter. */
async function dissect(pair: Pair, role: 'initiator' | 'responder', filter: string, field: string): Promise<string[]> {
  const options = ['-o', `wg.keylog_file:${KEY_LOG}`, '-r', CAPTURE, '-Y', filter, '-T', 'fields', '-e', field];
  const output = await pair[role].host.output('tshark', options);
  return output.split('\n').filter((line) => line !== '');
}
