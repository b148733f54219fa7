/** Groups by tag and the rules between them, as administrators and hosts meet them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostView, NetworkView, PeerList, Reported, TokenList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from './lab.ts';

const HOME = '/v1/networks/home';

async function patchNetwork(lab: Lab, body: unknown): Promise<NetworkView> {
  const etag = expectStatus(200, await lab.ask('GET', HOME)).headers.get('etag')!;
  return expectStatus(200, await lab.ask('PATCH', HOME, { body, headers: { 'if-match': etag } })).read(NetworkView);
}

/** A phone of a guest, a computer of the office and two servers; the office sees the servers and nobody else sees anybody. */
async function startOffice(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  await patchNetwork(lab, { rules: [{ from: ['office'], to: ['servers'] }] });
  const enrol = async (name: string, tag: string) => lab.enrol(await lab.token({ tags: [tag] }), { name });
  const web = await enrol('web', 'servers');
  const db = await enrol('db', 'servers');
  const pc = await enrol('pc', 'office');
  const phone = await enrol('phone', 'guests');
  const peers = async (hostKey: string, query = '') =>
    expectStatus(200, await lab.ask('GET', `/v1/peers${query}`, { as: hostKey })).read(PeerList);
  return { lab, web, db, pc, phone, peers };
}

const namesOf = ({ peers }: PeerList): string[] => peers.map(({ name }) => name);

describe('rules between groups of hosts', () => {
  test('each view of a host holds the hosts that it may see, and no trace of others', async (t) => {
    const { lab, web, db, pc, phone, peers } = await startOffice(t);
    assert.deepEqual(pc.peers.map(({ name }) => name).sort(), ['db', 'web']);
    assert.deepEqual(phone.peers, []);
    assert.deepEqual(namesOf(await peers(pc.hostKey)).sort(), ['db', 'web']);
    assert.deepEqual(namesOf(await peers(web.hostKey)), ['pc']);
    assert.deepEqual(namesOf(await peers(phone.hostKey)), []);
    for (const format of ['wg-quick', 'wg', 'json']) {
      const { text } = expectStatus(200, await lab.ask('GET', `/v1/config?format=${format}`, { as: web.hostKey }));
      assert(text.includes(pc.host.publicKey), format);
      for (const unseen of [db, phone]) {
        assert(!text.includes(unseen.host.publicKey), format);
        // Whole: 10.1.2.5 is no trace of 10.1.2.53.
        const shown: string[] = text.match(/[0-9.]+/g) ?? [];
        assert(!shown.includes(unseen.host.addresses[0]!.split('/')[0]!), format);
      }
    }
  });

  test('a difference says nothing of the arrival and removal of hosts out of sight', async (t) => {
    const { lab, phone, pc, peers } = await startOffice(t);
    const { version } = await peers(phone.hostKey);
    await lab.enrol(await lab.token({ tags: ['servers'] }), { name: 'backup' });
    expectStatus(204, await lab.ask('DELETE', `${HOME}/hosts/db`));
    const unconcerned = await peers(phone.hostKey, `?since=${version}`);
    assert.deepEqual([unconcerned.full, unconcerned.peers, unconcerned.removed], [false, [], []]);
    const concerned = await peers(pc.hostKey, `?since=${version}`);
    assert.deepEqual([concerned.full, namesOf(concerned), concerned.removed.length], [false, ['backup'], 1]);
  });

  test('rules and tags that change take effect for the hosts they concern, at their next request', async (t) => {
    const { lab, web, phone, peers } = await startOffice(t);
    const { version } = await peers(phone.hostKey);
    const path = `${HOME}/hosts/phone`;
    const headers = { 'if-match': expectStatus(200, await lab.ask('GET', path)).headers.get('etag')! };
    const body = { tags: ['office', 'guests', 'office'] };
    const changed = expectStatus(200, await lab.ask('PATCH', path, { body, headers })).read(HostView);
    assert.deepEqual(changed.tags, ['guests', 'office']);
    assert.deepEqual(namesOf(await peers(phone.hostKey, `?since=${version}`)).sort(), ['db', 'web']);
    assert.deepEqual(namesOf(await peers(web.hostKey, `?since=${version}`)).sort(), ['pc', 'phone']);
    await patchNetwork(lab, { rules: [] });
    assert.deepEqual(namesOf(await peers(web.hostKey, `?since=${changed.version}`)), []);
    await patchNetwork(lab, { rules: null });
    assert.deepEqual(namesOf(await peers(web.hostKey)).sort(), ['db', 'pc', 'phone']);
  });

  test('a host that went just before the rules hid it is forgotten all the same', async (t) => {
    const { lab, pc, peers } = await startOffice(t);
    const { version } = await peers(pc.hostKey);
    for (const name of ['web', 'db']) expectStatus(204, await lab.ask('DELETE', `${HOME}/hosts/${name}`));
    await patchNetwork(lab, { rules: [] });
    const list = await peers(pc.hostKey, `?since=${version}`);
    // Either in full and empty, or as a difference that removes both.
    assert.deepEqual([list.peers, list.full || list.removed.length === 2], [[], true]);
  });

  test('a report about a host out of sight changes nothing', async (t) => {
    const { lab, phone, web, pc, peers } = await startOffice(t);
    const handshake = Math.floor(lab.clock.now / 1000);
    const report = async (as: string, publicKey: string) => {
      const body = { observed: [{ publicKey, endpoint: '198.51.100.7:51000', latestHandshake: handshake }] };
      return expectStatus(200, await lab.ask('POST', '/v1/report', { as, body })).read(Reported).version;
    };
    const { version } = await peers(phone.hostKey);
    assert.equal(await report(phone.hostKey, web.host.publicKey), version);
    assert.equal(await report(pc.hostKey, web.host.publicKey), version + 1);
  });
});

describe('the settings of a network', () => {
  test('change only with the ETag of what was read, and stay as they are when not named', async (t) => {
    const lab = await startLab(t);
    const change = (body: unknown, headers = {}) => lab.ask('PATCH', HOME, { body, headers });
    const read = expectStatus(200, await lab.ask('GET', HOME));
    const before = read.read(NetworkView);
    const headers = { 'if-match': read.headers.get('etag')! };
    expectProblem('precondition-required', expectStatus(428, await change({ silence: 60 })));
    const after = expectStatus(200, await change({ silence: 60, hostLifetime: 86_400 }, headers)).read(NetworkView);
    assert.deepEqual(after, { ...before, silence: 60, hostLifetime: 86_400, revision: before.revision + 1 });
    expectProblem('stale', expectStatus(412, await change({ silence: 61 }, headers)));
    const fresh = { 'if-match': `"${after.revision}"` };
    expectProblem('invalid', expectStatus(422, await change({ rules: [{ from: ['Büro'], to: ['*'] }] }, fresh)));
    expectProblem('invalid', expectStatus(422, await change({ ranges: ['10.0.0.0/8'] }, fresh)));
    expectProblem('not-found', await lab.ask('PATCH', '/v1/networks/nowhere', { body: {}, headers: fresh }));
  });

  test('an enrolment does not make the ETag of the network stale', async (t) => {
    const lab = await startLab(t);
    const headers = { 'if-match': (await lab.ask('GET', HOME)).headers.get('etag')! };
    await lab.enrol(await lab.token());
    expectStatus(200, await lab.ask('PATCH', HOME, { body: { rules: [] }, headers }));
  });

  test('a quarantine of no time frees an address at once', async (t) => {
    const lab = await startLab(t);
    const body = { name: 'tiny', ranges: ['10.9.9.0/30'], quarantine: 0 };
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body }));
    const { token } = JSON.parse(
      (await lab.ask('POST', '/v1/networks/tiny/tokens', { body: { uses: 9 } })).text,
    ) as Record<string, string>;
    await lab.enrol(token!, { name: 'first' });
    await lab.enrol(token!, { name: 'second' });
    const third = { name: 'third', publicKey: someKey() };
    const full = await lab.ask('POST', '/v1/enroll', { as: token!, body: third });
    expectProblem('network-full', expectStatus(409, full));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/tiny/hosts/first'));
    lab.clock.now += 1;
    expectStatus(201, await lab.ask('POST', '/v1/enroll', { as: token!, body: third }));
  });
});

describe('what a token says of its hosts', () => {
  test('names that fit its pattern, and tags that the host cannot choose', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 3, pattern: 'web-*-eu', tags: ['servers', 'eu', 'eu'] });
    const enrol = (name: string, more = {}) =>
      lab.ask('POST', '/v1/enroll', { as: token, body: { name, publicKey: someKey(), ...more } });
    for (const name of ['web', 'web-eu', 'web-1-us', 'my-web-1-eu'])
      expectProblem('name-not-allowed', expectStatus(403, await enrol(name)));
    expectProblem('invalid', expectStatus(422, await enrol('web-1-eu', { tags: ['office'] })));
    await lab.enrol(token, { name: 'web-1-eu' });
    const view = expectStatus(200, await lab.ask('GET', `${HOME}/hosts/web-1-eu`)).read(HostView);
    assert.deepEqual(view.tags, ['eu', 'servers']);
    const [listed] = (await lab.ask('GET', `${HOME}/tokens`)).read(TokenList).tokens;
    assert.deepEqual([listed?.pattern, listed?.tags, listed?.remaining], ['web-*-eu', ['eu', 'servers'], 2]);
  });
});
