/** How hosts stay, go and come back: expiry, silence, removal and its undoing, and a new key. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuditList } from '../../src/registry/wire-audit.ts';
import { HostConfig, HostList, HostView, PeerList, Renewed, type NewToken } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';

const HOSTS = '/v1/networks/home/hosts';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Dolores, who stays, and a host of a token of the test's choosing. */
async function startWith(t: Parameters<typeof startLab>[0], options: NewToken) {
  const lab = await startLab(t);
  const dolores = await lab.enrol(await lab.token(), { name: 'dolores' });
  const teddy = await lab.enrol(await lab.token(options));
  const peers = async (query = '') =>
    expectStatus(200, await lab.ask('GET', `/v1/peers${query}`, { as: dolores.hostKey })).read(PeerList);
  const names = async () => (await lab.ask('GET', HOSTS)).read(HostList).hosts.map(({ name }) => name);
  const asTeddy = (method: string, path: string, body?: unknown) => lab.ask(method, path, { as: teddy.hostKey, body });
  return { lab, dolores, teddy, peers, names, asTeddy };
}

describe('a host whose time is limited', () => {
  test('is out of sight when it is up, renews itself with its key, and is back', async (t) => {
    const { lab, teddy, peers, asTeddy } = await startWith(t, { hostLifetime: 3600 });
    assert.equal(teddy.host.expiresAt, new Date(lab.clock.now + HOUR_MS).toISOString());
    const { version } = await peers();
    lab.clock.now += HOUR_MS - 1;
    assert.equal((await peers()).peers.length, 1);
    lab.clock.now += 1;
    const after = await peers(`?since=${version}`);
    assert.deepEqual([after.full, after.peers, after.removed], [false, [], [teddy.host.publicKey]]);
    for (const path of ['/v1/peers', '/v1/config', '/v1/peers?since=1'])
      expectProblem('host-expired', expectStatus(403, await asTeddy('GET', path)));
    const renewed = expectStatus(200, await asTeddy('POST', '/v1/renew')).read(Renewed);
    assert.equal(renewed.expiresAt, new Date(lab.clock.now + HOUR_MS).toISOString());
    const back = await peers(`?since=${after.version}`);
    assert.deepEqual([back.full, back.peers.map(({ name }) => name), back.removed], [false, ['teddy'], []]);
    expectStatus(200, await asTeddy('GET', '/v1/config'));
  });

  test('that renews itself in time is never out of sight, and nobody else notices', async (t) => {
    const { lab, peers, asTeddy } = await startWith(t, { hostLifetime: 3600 });
    const { version } = await peers();
    for (let i = 0; i < 3; i++) {
      lab.clock.now += HOUR_MS / 2;
      expectStatus(200, await asTeddy('POST', '/v1/renew'));
      const list = await peers();
      assert.deepEqual([list.version, list.peers.length], [version, 1]);
    }
  });

  test('is removed after the grace, with its key and name', async (t) => {
    const { lab, names, asTeddy } = await startWith(t, { hostLifetime: 3600 });
    lab.clock.now += HOUR_MS + 7 * DAY_MS - 1;
    expectStatus(200, await asTeddy('POST', '/v1/renew'));
    lab.clock.now += HOUR_MS + 7 * DAY_MS;
    expectProblem('unauthorized', expectStatus(401, await asTeddy('POST', '/v1/renew')));
    assert.deepEqual(await names(), ['dolores']);
    await lab.enrol(await lab.token(), { name: 'teddy' });
  });

  test('keeps its name from nobody once it is over, even if nothing else was asked meanwhile', async (t) => {
    const { lab } = await startWith(t, { hostLifetime: 3600 });
    const token = await lab.token({ expiresIn: 31_536_000 });
    lab.clock.now += HOUR_MS + 7 * DAY_MS;
    await lab.enrol(token, { name: 'teddy' });
  });

  test('is renewed by an administrator, too, who is named in the audit trail', async (t) => {
    const { lab, peers } = await startWith(t, { hostLifetime: 3600 });
    lab.clock.now += HOUR_MS + 1;
    assert.equal((await peers()).peers.length, 0);
    const renewed = expectStatus(200, await lab.ask('POST', `${HOSTS}/teddy/renew`)).read(HostView);
    assert.equal(renewed.expiresAt, new Date(lab.clock.now + HOUR_MS).toISOString());
    assert.equal((await peers()).peers.length, 1);
    lab.clock.now += 1;
    expectStatus(200, await lab.ask('POST', `${HOSTS}/teddy/renew`));
    const { entries } = (await lab.ask('GET', '/v1/audit?action=host.renew')).read(AuditList);
    assert.deepEqual(
      entries.map(({ actor, target }) => [actor, target]),
      Array.from({ length: 2 }, () => [`admin:${lab.adminKey.slice(0, 12)}`, 'teddy']),
    );
    expectProblem('not-found', await lab.ask('POST', `${HOSTS}/nobody/renew`));
  });

  test('may leave although its time is up', async (t) => {
    const { lab, names, asTeddy } = await startWith(t, { hostLifetime: 3600 });
    lab.clock.now += HOUR_MS;
    expectStatus(204, await asTeddy('DELETE', '/v1/self'));
    assert.deepEqual(await names(), ['dolores']);
  });

  test('follows the network when its token says nothing', async (t) => {
    const { lab, asTeddy } = await startWith(t, {});
    const patch = { body: { hostLifetime: 7200 }, headers: { 'if-match': '"1"' } };
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', patch));
    const maeve = await lab.enrol(await lab.token(), { name: 'maeve' });
    assert.equal(maeve.host.expiresAt, new Date(lab.clock.now + 2 * HOUR_MS).toISOString());
    // It was there before, for ever; renewing itself, it takes what the network gives now.
    lab.clock.now += DAY_MS;
    expectStatus(200, await asTeddy('GET', '/v1/config'));
    const renewed = expectStatus(200, await asTeddy('POST', '/v1/renew')).read(Renewed);
    assert.equal(renewed.expiresAt, new Date(lab.clock.now + 2 * HOUR_MS).toISOString());
  });
});

describe('an ephemeral host', () => {
  test('is never collected before its first request, however long that takes', async (t) => {
    const { lab, names, asTeddy } = await startWith(t, { ephemeral: true });
    lab.clock.now += 30 * DAY_MS;
    assert.deepEqual(await names(), ['dolores', 'teddy']);
    expectStatus(200, await asTeddy('GET', '/v1/config'));
  });

  test('stays while it asks, and goes after the silence that the network allows', async (t) => {
    const { lab, teddy, peers, names, asTeddy } = await startWith(t, { ephemeral: true });
    const { version } = await peers();
    for (let i = 0; i < 5; i++) {
      expectStatus(200, await asTeddy('GET', '/v1/config'));
      lab.clock.now += HOUR_MS * 0.7;
      assert.deepEqual(await names(), ['dolores', 'teddy']);
    }
    lab.clock.now += HOUR_MS;
    const after = await peers(`?since=${version}`);
    assert.deepEqual([after.full, after.removed], [false, [teddy.host.publicKey]]);
    expectProblem('unauthorized', await asTeddy('GET', '/v1/config'));
    assert.deepEqual(await names(), ['dolores']);
  });

  test('is noted at most once in a quarter of that silence', async (t) => {
    const { lab, asTeddy } = await startWith(t, { ephemeral: true });
    const seenAt = async () => (await lab.ask('GET', `${HOSTS}/teddy`)).read(HostView).seenAt;
    assert.equal(await seenAt(), null);
    const first = lab.clock.now;
    for (const [laterMs, notedMs] of [
      [0, 0],
      [HOUR_MS / 4 - 1, 0],
      [HOUR_MS / 4, HOUR_MS / 4],
    ] as const) {
      lab.clock.now = first + laterMs;
      expectStatus(200, await asTeddy('GET', '/v1/peers'));
      assert.equal(await seenAt(), new Date(first + notedMs).toISOString());
    }
  });
});

describe('a removal', () => {
  test('can be undone: the host has its key, addresses and place in the lists again', async (t) => {
    const { lab, teddy, peers, asTeddy } = await startWith(t, {});
    const { version } = await peers();
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`));
    expectProblem('unauthorized', await asTeddy('GET', '/v1/config'));
    lab.clock.now += 6 * DAY_MS;
    const restored = expectStatus(200, await lab.ask('POST', `${HOSTS}/teddy/restore`)).read(HostView);
    assert.deepEqual(
      restored.addresses,
      teddy.host.addresses.map((text) => text.split('/')[0]),
    );
    const config = expectStatus(200, await asTeddy('GET', '/v1/config?format=json')).read(HostConfig);
    assert.deepEqual(config.host.addresses, teddy.host.addresses);
    const list = await peers(`?since=${version}`);
    assert.deepEqual([list.peers.map(({ publicKey }) => publicKey), list.removed], [[teddy.host.publicKey], []]);
    expectProblem('not-found', expectStatus(404, await lab.ask('POST', `${HOSTS}/teddy/restore`)));
    // Its addresses are its own again, and not free for the next.
    const maeve = await lab.enrol(await lab.token(), { name: 'maeve' });
    assert.notDeepEqual(maeve.host.addresses, teddy.host.addresses);
  });

  test('cannot be undone when its addresses have rested, or name, key or route went to another', async (t) => {
    const { lab, teddy } = await startWith(t, { routes: ['172.27.88.0/24'] });
    const restore = () => lab.ask('POST', `${HOSTS}/teddy/restore`);
    const remove = async (name: string) => expectStatus(204, await lab.ask('DELETE', `${HOSTS}/${name}`));
    await remove('teddy');
    const other = await lab.enrol(await lab.token(), { publicKey: someKey() });
    expectProblem('name-taken', expectStatus(409, await restore()));
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: other.hostKey }));
    const lateness = { name: 'maeve', publicKey: teddy.host.publicKey };
    await lab.enrol(await lab.token(), lateness);
    // The newest of that name is another one now, whose key is free.
    expectStatus(200, await restore());
    await remove('teddy');
    lab.clock.now += 7 * DAY_MS;
    expectProblem('not-found', expectStatus(404, await restore()));
  });

  test('cannot be undone when an address went to another host in a network that lets them rest no time', async (t) => {
    const lab = await startLab(t);
    const tiny = '/v1/networks/tiny';
    const body = { name: 'tiny', ranges: ['10.9.9.0/30'], quarantine: 0 };
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body }));
    const add = (name: string) => lab.ask('POST', `${tiny}/hosts`, { body: { name, publicKey: someKey() } });
    expectStatus(201, await add('teddy'));
    expectStatus(201, await add('dolores'));
    expectStatus(204, await lab.ask('DELETE', `${tiny}/hosts/teddy`));
    lab.clock.now += 1;
    expectStatus(201, await add('maeve'));
    const patch = { body: { quarantine: 86_400 }, headers: { 'if-match': '"1"' } };
    expectStatus(200, await lab.ask('PATCH', tiny, patch));
    expectProblem('not-found', expectStatus(404, await lab.ask('POST', `${tiny}/hosts/teddy/restore`)));
  });

  test('cannot be undone when another host has its route by now', async (t) => {
    const lab = await startLab(t);
    const add = (name: string) =>
      lab.ask('POST', HOSTS, { body: { name, publicKey: someKey(), routes: ['172.27.88.0/24'] } });
    expectStatus(201, await add('teddy'));
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`));
    expectStatus(201, await add('maeve'));
    expectProblem('route-overlap', expectStatus(409, await lab.ask('POST', `${HOSTS}/teddy/restore`)));
  });
});

describe('a new key', () => {
  test('is announced to the others, who keep the old one until it is in use', async (t) => {
    const { teddy, peers, asTeddy } = await startWith(t, {});
    const { version } = await peers();
    const publicKey = someKey();
    const config = expectStatus(200, await asTeddy('POST', '/v1/rotate', { publicKey })).read(HostConfig);
    assert.equal(config.host.publicKey, teddy.host.publicKey);
    const announced = await peers(`?since=${version}`);
    const [peer] = announced.peers;
    assert.deepEqual([peer?.publicKey, peer?.nextPublicKey], [teddy.host.publicKey, publicKey]);
    assert.deepEqual(announced.removed, []);
    const used = expectStatus(200, await asTeddy('POST', '/v1/rotate', { publicKey, use: true })).read(HostConfig);
    assert.equal(used.host.publicKey, publicKey);
    for (const since of [version, announced.version]) {
      const list = await peers(`?since=${since}`);
      assert.deepEqual(
        [list.full, list.peers.map((each) => [each.publicKey, each.nextPublicKey]), list.removed],
        [false, [[publicKey, undefined]], [teddy.host.publicKey]],
      );
      assert.deepEqual(list.peers[0]?.allowedIps, peer?.allowedIps);
    }
    expectStatus(200, await asTeddy('GET', '/v1/config'));
  });

  test('said twice, because an answer was lost, is said once', async (t) => {
    const { peers, asTeddy } = await startWith(t, {});
    const body = { publicKey: someKey(), use: true };
    expectStatus(200, await asTeddy('POST', '/v1/rotate', body));
    const { version } = await peers();
    const again = expectStatus(200, await asTeddy('POST', '/v1/rotate', body)).read(HostConfig);
    assert.deepEqual([again.host.publicKey, (await peers()).version], [body.publicKey, version]);
  });

  test('can be given up before it is used, by naming the present one', async (t) => {
    const { teddy, peers, asTeddy } = await startWith(t, {});
    expectStatus(200, await asTeddy('POST', '/v1/rotate', { publicKey: someKey() }));
    expectStatus(200, await asTeddy('POST', '/v1/rotate', { publicKey: teddy.host.publicKey }));
    const [peer] = (await peers()).peers;
    assert.deepEqual([peer?.publicKey, peer?.nextPublicKey], [teddy.host.publicKey, undefined]);
  });

  test('is never one that another host has or has announced', async (t) => {
    const { lab, dolores, asTeddy } = await startWith(t, {});
    const next = someKey();
    expectStatus(200, await lab.ask('POST', '/v1/rotate', { as: dolores.hostKey, body: { publicKey: next } }));
    for (const publicKey of [dolores.host.publicKey, next])
      for (const use of [true, false]) {
        const answer = await asTeddy('POST', '/v1/rotate', { publicKey, use });
        expectProblem('key-in-use', expectStatus(409, answer));
      }
    const zero = `${'A'.repeat(43)}=`;
    expectProblem('invalid', expectStatus(422, await asTeddy('POST', '/v1/rotate', { publicKey: zero })));
  });

  test('cannot be taken by who enrols with it before it is in use', async (t) => {
    const { lab, asTeddy } = await startWith(t, {});
    const publicKey = someKey();
    expectStatus(200, await asTeddy('POST', '/v1/rotate', { publicKey }));
    const body = { name: 'robert', publicKey };
    const token = await lab.token();
    expectProblem('key-in-use', expectStatus(409, await lab.ask('POST', '/v1/enroll', { as: token, body })));
    expectProblem('key-in-use', expectStatus(409, await lab.ask('POST', HOSTS, { body })));
    const used = await asTeddy('POST', '/v1/rotate', { publicKey, use: true });
    assert.equal(expectStatus(200, used).read(HostConfig).host.publicKey, publicKey);
    assert.equal((await lab.enrol(token, { name: 'robert' })).host.name, 'robert');
  });

  test('leaves nothing that could be restored as a host', async (t) => {
    const { lab, asTeddy } = await startWith(t, {});
    const { publicKey } = { publicKey: someKey() };
    expectStatus(200, await asTeddy('POST', '/v1/rotate', { publicKey, use: true }));
    expectProblem('not-found', await lab.ask('POST', `${HOSTS}/teddy/restore`));
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`));
    const restored = expectStatus(200, await lab.ask('POST', `${HOSTS}/teddy/restore`)).read(HostView);
    assert.equal(restored.publicKey, publicKey);
  });
});
