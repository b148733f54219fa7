/**
 * What a network of 1,000 hosts costs on Cloudflare's free plan: real requests to the registry, over a real D1 that reports the rows
 * of each query; and from those the day that docs/decisions/0088 describes.
 */
import assert from 'node:assert/strict';
import { randomBytes as nodeRandom } from 'node:crypto';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import { createRegistry } from '../../../src/library/registry.ts';
import { randomBytes, sealer, sha256 } from '../../../src/library/surroundings.ts';
import { createPollingBell } from '../../../src/registry/polling-bell.ts';
import { authenticateHost } from '../../../src/registry/service/credentials.ts';
import { notifyAll, notifyOne } from '../../../src/registry/service/listeners.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import { CreatedToken, PeerList } from '../../../src/registry/wire.ts';
import { isEdge } from '../engines/engine.ts';
import { COMPATIBILITY_DATE } from '../engines/bundle-worker.ts';
import { fillNetwork } from '../fill-network.ts';
import { countDatabase, type Cost } from './counted-database.ts';

/** A day of the free plan, as Cloudflare publishes it. */
const FREE = { requests: 100_000, read: 5_000_000, written: 100_000, gigabyteSeconds: 13_000 };
/** And the day: hosts that ask every 960 seconds, and what happens to them. */
const DAY = { hosts: 1000, pollSeconds: 960, changes: 2000, enrolments: 50 };
/** Hosts that listen open a socket anew every three to four hours, and when a deployment cuts them all off. */
const SOCKETS_A_HOST = 8 + 2;
/** An object is billed for 128 MB for as long as it works: a generous time for telling a thousand hosts. */
const RING_GIGABYTE_SECONDS = 0.128;

type Ask = (method: string, path: string, as: string, options?: { body?: object; etag?: string }) => Promise<Response>;

/** Beside the other tests of D1: a thousand hosts that listen. */
if (isEdge)
  test('a network of 1,000 hosts that listen fits the free plan, and a change costs three queries however many listen', async (t) => {
    const [small, large] = [await measure(t, 100), await measure(t, DAY.hosts)];
    assert.deepEqual([large.ring.queries, large.ring.written], [3, 0]);
    assert.deepEqual(large.listen, small.listen);
    const rings = DAY.changes + DAY.enrolments;
    const sockets = DAY.hosts * SOCKETS_A_HOST;
    const requests = sockets + rings;
    const rowsOf = (kind: 'read' | 'written'): number =>
      sockets * large.listen[kind] +
      rings * large.ring[kind] +
      DAY.changes * large.news[kind] +
      DAY.enrolments * large.enrolment[kind];
    const gigabyteSeconds = (rings + sockets) * RING_GIGABYTE_SECONDS;
    const { ring, listen } = large;
    t.diagnostic(
      JSON.stringify({ ring, listen, requests, read: rowsOf('read'), written: rowsOf('written'), gigabyteSeconds }),
    );
    // The Worker and the object have a hundred thousand each.
    assert(requests < FREE.requests, `${requests} requests`);
    assert(rowsOf('read') < FREE.read, `${rowsOf('read')} rows read`);
    assert(rowsOf('written') < FREE.written, `${rowsOf('written')} rows written`);
    assert(gigabyteSeconds < FREE.gigabyteSeconds, `${gigabyteSeconds} GB-s`);
  });

// Beside the other tests of D1: it is the same one, whoever asks.
if (isEdge)
  test('a network of 1,000 hosts fits the free plan, and a change costs the same in networks of every size', async (t) => {
    const [small, large] = [await measure(t, 100), await measure(t, DAY.hosts)];
    // Flat: nothing but the full list knows how many there are.
    for (const operation of ['unchanged', 'difference', 'nothing new', 'news'] as const) {
      assert.deepEqual(large[operation], small[operation], operation);
      assert(large[operation].read <= 20, `${operation} reads ${large[operation].read} rows`);
    }
    assert.deepEqual([large.unchanged.written, large.difference.written, large['nothing new'].written], [0, 0, 0]);
    const requests = (DAY.hosts * 86_400) / DAY.pollSeconds + DAY.changes + DAY.enrolments;
    const polls = (DAY.hosts * 86_400) / DAY.pollSeconds;
    const rowsOf = (kind: 'read' | 'written'): number =>
      polls * large.unchanged[kind] +
      // Each change is a row more in the next difference of every host; the rest of that poll is counted already.
      (kind === 'read' ? DAY.hosts * DAY.changes * (large.difference.read - large.unchanged.read) : 0) +
      DAY.changes * large.news[kind] +
      DAY.enrolments * large.enrolment[kind];
    t.diagnostic(JSON.stringify({ ...large, requests, read: rowsOf('read'), written: rowsOf('written') }));
    assert(requests < FREE.requests, `${requests} requests`);
    assert(rowsOf('read') < FREE.read, `${rowsOf('read')} rows read`);
    assert(rowsOf('written') < FREE.written, `${rowsOf('written')} rows written`);
  });

/** `ring`: all hosts are told of a change; `listen`: one opens a socket, at the Worker and at the object. */
type Operation = 'ring' | 'listen' | 'enrolment' | 'unchanged' | 'difference' | 'full list' | 'nothing new' | 'news';

async function measure(
  t: { after(clean: () => Promise<void>): void },
  hosts: number,
): Promise<Record<Operation, Cost>> {
  const miniflare = new Miniflare({
    modules: true,
    script: 'export default {}',
    compatibilityDate: COMPATIBILITY_DATE,
    d1Databases: { DB: 'registry' },
  });
  t.after(() => miniflare.dispose());
  const { database, costOf } = countDatabase(await miniflare.getD1Database('DB'));
  const registry = await createRegistry({ database, peerAddress: () => '' });
  const admin = (await registry.issueFirstAdminKey())!; // the database is new
  const ask: Ask = async (method, path, as, { body, etag } = {}) =>
    registry.app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${as}`,
        'content-type': 'application/json',
        ...(etag !== undefined && { 'if-none-match': etag }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  await ask('POST', '/v1/networks', admin, { body: { name: 'home', ranges: ['10.1.0.0/16'] } });
  const { hostKeys, publicKeys } = await fillNetwork(database, 1, { hosts, keys: 2 });
  const [first, second] = [hostKeys[0]!, hostKeys[1]!]; // as many as were asked for
  const { token } = CreatedToken.parse(
    await (await ask('POST', '/v1/networks/home/tokens', admin, { body: {} })).json(),
  );

  const expect = async (status: number, answer: Promise<Response>): Promise<Response> => {
    const { status: got } = await answer;
    assert.equal(got, status, await (await answer).clone().text());
    return answer;
  };
  const list = await expect(200, ask('GET', '/v1/peers', second));
  const { version } = PeerList.parse(await list.json());
  const etag = list.headers.get('etag')!; // each answer of this kind has one
  // host-1 has no endpoint of its own: what host-0 sees of it is news, once.
  const report = {
    observed: [{ publicKey: publicKeys[1]!, endpoint: '198.51.100.7:4500', latestHandshake: 1_700_000_000 }],
  };
  const publicKey = nodeRandom(32).toString('base64');
  const unchanged = await costOf(() => expect(304, ask('GET', `/v1/peers?since=${version}`, second, { etag })));
  const news = await costOf(() => expect(200, ask('POST', '/v1/report', first, { body: report })));
  const nothingNew = await costOf(() => expect(200, ask('POST', '/v1/report', first, { body: report })));
  const difference = await costOf(async () => {
    const { full, peers } = PeerList.parse(await (await ask('GET', `/v1/peers?since=${version}`, first)).json());
    assert.deepEqual([full, peers.map(({ name }) => name)], [false, ['host-1']]);
  });
  const fullList = await costOf(() => expect(200, ask('GET', '/v1/peers', first)));
  const enrolment = await costOf(() =>
    expect(201, ask('POST', '/v1/enroll', token, { body: { name: 'new', publicKey } })),
  );
  const ports = {
    store: createD1Store(database),
    bell: createPollingBell(0),
    random: randomBytes,
    sha256,
    sealer,
    wall: Date.now,
  };
  const { results } = await database.prepare('SELECT id FROM hosts WHERE network_id = 1').all();
  const listeners = results.map(({ id }) => ({ credentialId: '', hostId: String(id), networkId: 1, version }));
  const ring = await costOf(async () => {
    const { notices } = await notifyAll(1, listeners, ports);
    assert(notices.every(({ type }) => type === 'list'));
  });
  const listen = await costOf(async () => {
    const caller = await authenticateHost(second, ports);
    assert(caller.ok);
    const { credentialId, host, network } = caller.value;
    await notifyOne({ credentialId, hostId: host.id, networkId: 1, version: network.version }, ports);
  });
  return { ring, listen, enrolment, unchanged, difference, 'full list': fullList, 'nothing new': nothingNew, news };
}
