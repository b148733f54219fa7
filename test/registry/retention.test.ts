/** What is over is forgotten after a while, and nobody misses it: not the one who was away meanwhile either. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuditList } from '../../src/registry/wire-audit.ts';
import { PeerList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from './lab.ts';

const HOSTS = '/v1/networks/home/hosts';
const DAY_MS = 86_400_000;

async function start(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  const dolores = await lab.enrol(await lab.token(), { name: 'dolores' });
  const peers = async (since?: number) =>
    expectStatus(
      200,
      await lab.ask('GET', `/v1/peers${since === undefined ? '' : `?since=${since}`}`, { as: dolores.hostKey }),
    ).read(PeerList);
  return { lab, peers };
}

const remove = async (lab: Lab, name: string) => expectStatus(204, await lab.ask('DELETE', `${HOSTS}/${name}`));

describe('a host that was removed', () => {
  test('leaves its address free when it is forgotten, and its key opens nothing', async (t) => {
    const { lab, peers } = await start(t);
    const teddy = await lab.enrol(await lab.token());
    await remove(lab, 'teddy');
    lab.clock.now += 31 * DAY_MS;
    await peers();
    expectProblem('unauthorized', expectStatus(401, await lab.ask('GET', '/v1/config', { as: teddy.hostKey })));
    const body = { name: 'teddy', publicKey: someKey(), addresses: [teddy.host.addresses[0]!.split('/')[0]!] };
    expectStatus(201, await lab.ask('POST', HOSTS, { body }));
  });

  test('is not among the peers of one who was away for longer: it gets its list in full', async (t) => {
    const { lab, peers } = await start(t);
    await lab.enrol(await lab.token());
    const seen = (await peers()).version;
    await remove(lab, 'teddy');
    const later = (await peers()).version;
    lab.clock.now += 31 * DAY_MS;
    const list = await peers(seen);
    assert.deepEqual([list.full, list.peers, list.removed], [true, [], []]);
    // Who has seen the removal goes on with differences.
    await lab.enrol(await lab.token(), { name: 'maeve' });
    const difference = await peers(later);
    assert.deepEqual([difference.full, difference.peers.map(({ name }) => name)], [false, ['maeve']]);
  });

  test('is kept for as long as it can be brought back', async (t) => {
    const { lab, peers } = await start(t);
    const patch = { body: { quarantine: 60 * 86_400 }, headers: { 'if-match': '"1"' } };
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', patch));
    await lab.enrol(await lab.token());
    await remove(lab, 'teddy');
    for (let day = 0; day < 59; day++) {
      lab.clock.now += DAY_MS;
      await peers();
    }
    expectStatus(200, await lab.ask('POST', `${HOSTS}/teddy/restore`));
    assert.equal((await peers()).peers.length, 1);
  });
});

test('the audit trail is kept for a year, in networks that live', async (t) => {
  const { lab, peers } = await start(t);
  await lab.enrol(await lab.token());
  await remove(lab, 'teddy');
  const actions = async () =>
    (await lab.ask('GET', '/v1/audit?network=home')).read(AuditList).entries.map(({ action }) => action);
  const before = await actions();
  lab.clock.now += 364 * DAY_MS;
  await peers();
  assert.deepEqual(await actions(), before);
  lab.clock.now += 2 * DAY_MS;
  await peers();
  assert.deepEqual(await actions(), []);
  const kept = (await lab.ask('GET', '/v1/audit')).read(AuditList).entries;
  assert.deepEqual(
    kept.map(({ action }) => action),
    ['admin.add'],
    'what is of no network stays',
  );
});
