/** What happens to hosts that a host may not see does not touch it: not its ETag, not its version, not its waiting. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostConfig, HostView, NetworkView, PeerList, Reported } from '../../src/registry/wire.ts';
import { isEdge } from './engines/engine.ts';
import { expectStatus, someKey, startLab, type Lab } from './lab.ts';

const HOME = '/v1/networks/home';

async function patch(lab: Lab, path: string, body: object): Promise<string> {
  const etag = expectStatus(200, await lab.ask('GET', path)).headers.get('etag')!;
  return expectStatus(200, await lab.ask('PATCH', path, { body, headers: { 'if-match': etag } })).text;
}

/** Guests see each other, and so do two servers; nobody else sees anybody. */
async function startGroups(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  const rules = ['guests', 'servers'].map((tag) => ({ from: [tag], to: [tag] }));
  await patch(lab, HOME, { rules });
  const enrol = async (name: string, tag: string) => lab.enrol(await lab.token({ tags: [tag] }), { name });
  const [web, db] = [await enrol('web', 'servers'), await enrol('db', 'servers')];
  const [guest, friend] = [await enrol('guest', 'guests'), await enrol('friend', 'guests')];
  return { lab, enrol, web, db, guest, friend };
}

type Groups = Awaited<ReturnType<typeof startGroups>>;

/** Every way in which a server changes, one after the other, at times of their own. */
function changesOutOfSight({ lab, enrol, web, db }: Groups): (() => Promise<unknown>)[] {
  const asWeb = async (method: string, path: string, body: object) =>
    expectStatus(200, await lab.ask(method, path, { as: web.hostKey, body }));
  const next = someKey();
  const saw = (seconds: number) => ({
    observed: [
      {
        publicKey: web.host.publicKey,
        endpoint: `198.51.100.7:${4000 + seconds}`,
        latestHandshake: Math.floor(lab.clock.now / 1000) - 60 + seconds,
      },
    ],
  });
  const changes = [
    async () => expectStatus(200, await lab.ask('POST', '/v1/report', { as: db.hostKey, body: saw(1) })),
    async () => expectStatus(200, await lab.ask('POST', '/v1/report', { as: db.hostKey, body: saw(2) })),
    () => asWeb('PATCH', '/v1/self', { routes: ['172.27.1.0/24'] }),
    () => patch(lab, `${HOME}/hosts/web`, { routes: ['172.27.1.0/24'] }),
    () => asWeb('POST', '/v1/rotate', { publicKey: next }),
    () => asWeb('POST', '/v1/rotate', { publicKey: next, use: true }),
    () => patch(lab, `${HOME}/hosts/web`, { endpoint: 'web.example.net:51000' }),
    () => patch(lab, `${HOME}/hosts/web`, { tags: ['servers', 'eu'] }),
    () => enrol('third', 'servers'),
    async () => expectStatus(204, await lab.ask('DELETE', `${HOME}/hosts/third`)),
    async () => expectStatus(200, await lab.ask('POST', `${HOME}/hosts/third/restore`)),
    async () => expectStatus(204, await lab.ask('DELETE', `${HOME}/hosts/db`)),
  ];
  return changes.map((change) => () => {
    lab.clock.now += 60_000;
    return change();
  });
}

describe('what happens out of sight', () => {
  test('leaves version, ETag, lists and files of a host as they are, whatever it is', async (t) => {
    const groups = await startGroups(t);
    const { lab, guest } = groups;
    const as = guest.hostKey;
    const files = ['/v1/peers', '/v1/config', '/v1/config?format=json'];
    const read = (path: string, headers = {}) => lab.ask('GET', path, { as, headers });
    const before = await Promise.all(files.map((path) => read(path)));
    const { version } = before[0]!.read(PeerList); // there are three
    const moved = async () => expectStatus(200, await lab.ask('GET', HOME)).read(NetworkView).version;
    let network = await moved();
    for (const [i, change] of changesOutOfSight(groups).entries()) {
      await change();
      assert((await moved()) > network, `change ${i} is one`);
      network = await moved();
      for (const [j, path] of files.entries()) {
        const etag = before[j]!.headers.get('etag')!; // each has one
        expectStatus(304, await read(path, { 'if-none-match': etag }));
        const now = expectStatus(200, await read(path));
        assert.deepEqual([now.text, now.headers.get('etag')], [before[j]!.text, etag], `change ${i}, ${path}`);
      }
      const unchanged = (await read(`/v1/peers?since=${version}`)).read(PeerList);
      assert.deepEqual(unchanged, { version, full: false, peers: [], removed: [] });
      const said = await lab.ask('POST', '/v1/report', { as, body: { observed: [] } });
      assert.deepEqual(expectStatus(200, said).read(Reported), { version });
    }
    const body = { name: 'guest', publicKey: guest.host.publicKey };
    const again = await lab.ask('POST', '/v1/enroll', { as, body, headers: { accept: 'application/json' } });
    assert.equal(expectStatus(200, again).read(HostConfig).version, version);
  });

  test('cannot be counted in the next version: that is the time of a change that the host may see', async (t) => {
    const groups = await startGroups(t);
    const { lab, guest, friend } = groups;
    for (const change of changesOutOfSight(groups)) await change();
    lab.clock.now += 60_000;
    await patch(lab, `${HOME}/hosts/friend`, { endpoint: 'friend.example.net:51000' });
    const list = (await lab.ask('GET', `/v1/peers?since=${friend.version}`, { as: guest.hostKey })).read(PeerList);
    assert.deepEqual([list.version, list.full, list.peers.map(({ name }) => name)], [lab.clock.now, false, ['friend']]);
  });

  test("cannot be found by asking with times of one's own: the answer to each later one is the same", async (t) => {
    const groups = await startGroups(t);
    const { lab, guest } = groups;
    const { version } = (await lab.ask('GET', '/v1/peers', { as: guest.hostKey })).read(PeerList);
    const [change] = changesOutOfSight(groups);
    await change!();
    const hidden = expectStatus(200, await lab.ask('GET', HOME)).read(NetworkView).version;
    assert(hidden > version + 1);
    for (const since of [version + 1, hidden - 1, hidden, hidden + 1]) {
      // Asking to wait: what is later than all that the host was told is answered at once.
      const list = (await lab.ask('GET', `/v1/peers?since=${since}&wait=55`, { as: guest.hostKey })).read(PeerList);
      assert.deepEqual([list.version, list.full], [version, true], `since ${since - hidden} of the hidden change`);
    }
  });

  test('is told as soon as it comes into sight, also to who knows a later version than it', async (t) => {
    const groups = await startGroups(t);
    const { lab, guest, web } = groups;
    await patch(lab, `${HOME}/hosts/friend`, { endpoint: 'friend.example.net:51000' });
    const { version } = (await lab.ask('GET', '/v1/peers', { as: guest.hostKey })).read(PeerList);
    assert(version > web.version);
    const rules = [{ from: ['*'], to: ['*'] }];
    await patch(lab, HOME, { rules });
    const list = (await lab.ask('GET', `/v1/peers?since=${version}`, { as: guest.hostKey })).read(PeerList);
    assert.deepEqual(list.peers.map(({ name }) => name).sort(), ['db', 'friend', 'web']);
    await patch(lab, HOME, { rules: null });
    const known = `/v1/peers?since=${list.version}`;
    const same = (await lab.ask('GET', known, { as: guest.hostKey })).read(PeerList);
    assert.deepEqual([same.peers, same.removed], [[], []]);
    await patch(lab, `${HOME}/hosts/web`, { endpoint: 'web.example.net:51000' });
    const news = (await lab.ask('GET', known, { as: guest.hostKey })).read(PeerList);
    assert.deepEqual(
      news.peers.map(({ name }) => name),
      ['web'],
    );
  });

  test('includes what other hosts ask for, and the exits that they choose, without any rules', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 3, routes: ['0.0.0.0/0', '::/0'] });
    const berlin = await lab.enrol(token, { name: 'berlin', routes: ['0.0.0.0/0'] });
    const [teddy, maeve] = [await lab.enrol(token), await lab.enrol(token, { name: 'maeve' })];
    const peers = (as: string, headers = {}) => lab.ask('GET', '/v1/peers', { as, headers });
    const before = await peers(maeve.hostKey);
    const headers = { 'if-none-match': before.headers.get('etag')! };
    const view = async () => expectStatus(200, await lab.ask('GET', `${HOME}/hosts/teddy`));
    let etag = (await view()).headers.get('etag');
    for (const body of [{ exit: 'berlin' }, { routes: ['172.27.1.0/24'] }, { exit: null }]) {
      expectStatus(200, await lab.ask('PATCH', '/v1/self', { as: teddy.hostKey, body }));
      expectStatus(304, await peers(maeve.hostKey, headers));
      // But an administrator who has read the host before has to read it again.
      const now = await view();
      assert.notEqual(now.headers.get('etag'), etag);
      assert.equal(now.headers.get('etag'), `"${now.read(HostView).version}"`);
      const stale = { body: { routes: [] }, headers: { 'if-match': etag! } };
      expectStatus(412, await lab.ask('PATCH', `${HOME}/hosts/teddy`, stale));
      etag = now.headers.get('etag');
    }
    assert.equal((await peers(teddy.hostKey)).read(PeerList).peers.length, 2);
    assert.equal((await peers(berlin.hostKey)).read(PeerList).peers.length, 2);
  });

  // No request waits at the edge; what its sockets are told is in edge/bell.test.ts.
  if (!isEdge)
    test('keeps who waits waiting: the answer comes with the change that it may see', async (t) => {
      const groups = await startGroups(t);
      const { lab, enrol, guest, friend } = groups;
      const waiting = async () => {
        const text = expectStatus(200, await lab.ask('GET', '/v1/metrics')).text;
        return Number(/^peerage_waiting_requests (\d+)$/m.exec(text)?.[1]);
      };
      const answer = lab.ask('GET', `/v1/peers?since=${friend.version}&wait=55`, { as: guest.hostKey });
      const { waitFor } = await import('../interop/lab/wait.ts');
      await waitFor('the guest waits', async () => (await waiting()) === 1);
      for (const change of changesOutOfSight(groups)) {
        await change();
        assert.equal(await waiting(), 1);
      }
      await enrol('cousin', 'guests');
      const list = expectStatus(200, await answer).read(PeerList);
      assert.deepEqual([list.full, list.peers.map(({ name }) => name)], [false, ['cousin']]);
      assert.equal(await waiting(), 0);
    });
});
