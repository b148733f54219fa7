/** What a host reads: in full, as a difference, not at all when nothing changed, or when something does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostConfig, PeerList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey } from './lab.ts';
import { startPair } from './pair.ts';

describe('reads of a host', () => {
  test('an unchanged peer list is a 304, until something changes', async (t) => {
    const { lab, token, peers } = await startPair(t);
    const first = expectStatus(200, await peers());
    const etag = first.headers.get('etag')!;
    assert.match(etag, /^"[\w.]+"$/);
    const unchanged = expectStatus(304, await peers('', { 'if-none-match': `"other", ${etag}` }));
    assert.equal(unchanged.text, '');
    assert.equal(unchanged.headers.get('etag'), etag);
    await lab.enrol(token, { name: 'bernard' });
    const changed = expectStatus(200, await peers('', { 'if-none-match': etag }));
    assert.notEqual(changed.headers.get('etag'), etag);
    assert.deepEqual(
      changed
        .read(PeerList)
        .peers.map((peer) => peer.name)
        .toSorted(),
      ['bernard', 'maeve'],
    );
  });

  test('a difference holds what changed and the keys that are gone', async (t) => {
    const { lab, token, maeve, peers } = await startPair(t);
    const { version } = expectStatus(200, await peers()).read(PeerList);
    assert.deepEqual((await peers(`?since=${version}`)).read(PeerList), {
      version,
      full: false,
      peers: [],
      removed: [],
    });
    const bernard = await lab.enrol(token, { name: 'bernard' });
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    const difference = (await peers(`?since=${version}`)).read(PeerList);
    assert.equal(difference.full, false);
    assert.deepEqual(
      difference.peers.map((peer) => peer.name),
      ['bernard'],
    );
    assert.deepEqual(difference.removed, [maeve.host.publicKey]);
    assert.equal(difference.version, version + 2);
    const later = (await peers(`?since=${bernard.version}`)).read(PeerList);
    assert.deepEqual([later.peers, later.removed], [[], [maeve.host.publicKey]]);
  });

  test('a key that came back is present, not removed', async (t) => {
    const { lab, token, maeve, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: maeve.hostKey }));
    await lab.enrol(token, { name: 'maeve', publicKey: maeve.host.publicKey });
    const difference = (await peers(`?since=${version}`)).read(PeerList);
    assert.deepEqual(
      difference.peers.map((peer) => peer.publicKey),
      [maeve.host.publicKey],
    );
    assert.deepEqual(difference.removed, []);
  });

  test('a version that the registry has not, or a change of the host itself, gives the list in full', async (t) => {
    const { lab, dolores, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    assert.equal((await peers(`?since=${version + 7}`)).read(PeerList).full, true);
    assert.equal((await peers(`?since=${version + 7}&wait=55`)).read(PeerList).full, true);
    assert.equal((await peers('?since=0')).read(PeerList).full, true);
    const before = (await peers(`?since=${version}`)).read(PeerList);
    assert.equal(before.full, false);
    const path = '/v1/networks/home/hosts/dolores';
    const headers = { 'if-match': (await lab.ask('GET', path)).headers.get('etag')! };
    expectStatus(200, await lab.ask('PATCH', path, { headers, body: { endpoint: null } }));
    const after = (await peers(`?since=${version}`)).read(PeerList);
    assert.equal(after.full, true);
    assert.equal(after.peers[0]?.persistentKeepalive, 25);
    assert.equal(dolores.peers.length, 0);
  });

  test('the configuration comes as wg-quick, as wg and as JSON, each with its own ETag', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    const config = (query: string, headers = {}) =>
      lab.ask('GET', `/v1/config${query}`, { as: dolores.hostKey, headers: { accept: '*/*', ...headers } });
    const quick = expectStatus(200, await config(''));
    const wg = expectStatus(200, await config('?format=wg'));
    const json = expectStatus(200, await config('', { accept: 'application/json' }));
    assert.match(quick.text, /\[Interface\][^]*Address = [^]*PostUp = [^]*\[Peer\]\n# maeve\.vpn\.example\.net\n/);
    assert.doesNotMatch(quick.text, /HostKey|pgh_/);
    assert.match(wg.text, /^\[Interface\]\nListenPort = 51000\n\n\[Peer\]\n/);
    assert.doesNotMatch(wg.text, /Address =|PostUp/);
    assert.equal(json.read(HostConfig).peers[0]?.publicKey, maeve.host.publicKey);
    const etags = [quick, wg, json].map((answer) => answer.headers.get('etag')!);
    assert.equal(new Set(etags).size, 3);
    // A cache on the way must not give one host what another, or another program, has asked for.
    for (const answer of [quick, wg, json]) {
      assert.equal(answer.headers.get('vary'), 'Accept, Authorization');
      assert.equal(answer.headers.get('cache-control'), 'private, no-cache');
    }
    expectStatus(304, await config('?format=wg', { 'if-none-match': etags[1]! }));
    expectStatus(200, await config('?format=wg', { 'if-none-match': etags[0]! }));
  });

  test('a wait that nothing ends is a 304 or an empty difference when its time is up', async (t) => {
    const { peers } = await startPair(t);
    const first = await peers();
    const { version } = first.read(PeerList);
    const [unchanged, empty] = await Promise.all([
      peers('?wait=1', { 'if-none-match': first.headers.get('etag')! }),
      peers(`?since=${version}&wait=1`),
    ]);
    expectStatus(304, unchanged);
    assert.deepEqual(empty.read(PeerList), { version, full: false, peers: [], removed: [] });
  });

  test('a wait of a minute or more is refused', async (t) => {
    const { peers } = await startPair(t);
    expectProblem('invalid', expectStatus(422, await peers('?wait=56')));
    expectProblem('invalid', expectStatus(422, await peers('?since=soon')));
  });

  test('one host sees nothing of another network', async (t) => {
    const { lab, dolores, peers } = await startPair(t);
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name: 'work' } }));
    const { version } = (await peers()).read(PeerList);
    const body = { name: 'dolores', publicKey: dolores.host.publicKey };
    expectStatus(201, await lab.ask('POST', '/v1/networks/work/hosts', { body }));
    expectStatus(
      201,
      await lab.ask('POST', '/v1/networks/work/hosts', { body: { name: 'spy', publicKey: someKey() } }),
    );
    const list = (await peers()).read(PeerList);
    assert.deepEqual([list.version, list.peers.map((peer) => peer.name)], [version, ['maeve']]);
  });
});
