/** What an administrator does with hosts and networks, and how a host leaves. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostList, HostView, PeerList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';

describe('hosts and their administrator', () => {
  test('a revoked host is gone everywhere: its key, its place in lists, its name', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 3 });
    const dolores = await lab.enrol(token, { name: 'dolores' });
    const teddy = await lab.enrol(token);
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/teddy'));
    for (const path of ['/v1/peers', '/v1/config'])
      expectProblem('unauthorized', expectStatus(401, await lab.ask('GET', path, { as: teddy.hostKey })));
    expectProblem('unauthorized', await lab.ask('DELETE', '/v1/self', { as: teddy.hostKey }));
    expectProblem('not-found', expectStatus(404, await lab.ask('GET', '/v1/networks/home/hosts/teddy')));
    expectProblem('not-found', await lab.ask('DELETE', '/v1/networks/home/hosts/teddy'));
    const list = (await lab.ask('GET', '/v1/peers', { as: dolores.hostKey })).read(PeerList);
    assert.deepEqual(list.peers, []);
    const again = await lab.enrol(token);
    assert.notDeepEqual(again.host.addresses, teddy.host.addresses);
  });

  test('a host that leaves frees its name and its key', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    const teddy = await lab.enrol(token);
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: teddy.hostKey }));
    assert.deepEqual((await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts, []);
    await lab.enrol(token, { name: 'teddy', publicKey: teddy.host.publicKey });
  });

  test('a change needs the ETag of what was read, and only the newest will do', async (t) => {
    const lab = await startLab(t);
    const charlotte = await lab.enrol(await lab.token(), { name: 'charlotte' });
    const path = '/v1/networks/home/hosts/charlotte';
    const change = (body: unknown, headers = {}) => lab.ask('PATCH', path, { body, headers });
    const etag = expectStatus(200, await lab.ask('GET', path)).headers.get('etag')!;
    expectProblem('precondition-required', expectStatus(428, await change({ listenPort: 1 })));
    expectProblem('stale', expectStatus(412, await change({ listenPort: 1 }, { 'if-match': '"12345"' })));
    expectProblem('stale', expectStatus(412, await change({ listenPort: 1 }, { 'if-match': '*' })));
    const body = { routes: ['172.27.88.0/24'], endpoint: '[2001:db8::0:1]:51000', listenPort: 51002 };
    const changed = expectStatus(200, await change(body, { 'if-match': etag }));
    const { routes, endpoint, listenPort, name } = changed.read(HostView);
    assert.deepEqual(
      [name, routes, endpoint, listenPort],
      ['charlotte', ['172.27.88.0/24'], '[2001:db8::1]:51000', 51002],
    );
    expectProblem('stale', await change({ listenPort: 1 }, { 'if-match': etag }));
    const fresh = { 'if-match': changed.headers.get('etag')! };
    expectProblem('route-overlap', expectStatus(409, await change({ routes: ['10.1.0.0/16'] }, fresh)));
    expectStatus(200, await lab.ask('GET', '/v1/config', { as: charlotte.hostKey }));
  });

  test('an administrator adds a host with any free route, without a token', async (t) => {
    const lab = await startLab(t);
    const body = { name: 'charlotte', publicKey: someKey(), routes: ['172.27.88.0/24'] };
    const added = expectStatus(201, await lab.ask('POST', '/v1/networks/home/hosts', { body }));
    assert.match(added.text, /"hostKey":"pgh_/);
    const other = { name: 'teddy', publicKey: someKey(), routes: ['172.27.88.0/25'] };
    expectProblem('route-overlap', await lab.ask('POST', '/v1/networks/home/hosts', { body: other }));
    expectProblem('not-found', await lab.ask('POST', '/v1/networks/work/hosts', { body }));
  });

  test('a network goes when its last host has gone, and takes its tokens with it', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    await lab.enrol(token);
    expectProblem('network-not-empty', expectStatus(409, await lab.ask('DELETE', '/v1/networks/home')));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/teddy'));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home'));
    expectProblem('not-found', await lab.ask('GET', '/v1/networks/home'));
    const body = { name: 'maeve', publicKey: someKey() };
    expectProblem('unauthorized', await lab.ask('POST', '/v1/enroll', { as: token, body }));
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name: 'home' } }));
    expectProblem('unauthorized', await lab.ask('POST', '/v1/enroll', { as: token, body }));
  });

  test('removal and renewal keep to If-Match where it is sent, and do without where it is not', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 3, hostLifetime: 3600 });
    const { hostKey } = await lab.enrol(token);
    const path = '/v1/networks/home/hosts/teddy';
    const etagOf = async (of: string) => (await lab.ask('GET', of)).headers.get('etag')!;
    const old = { 'if-match': await etagOf(path) };
    // A change that no other host sees counts, too: what the host asks for is what an administrator approves or refuses.
    const asked = { as: hostKey, body: { routes: ['172.27.1.0/24'] } };
    expectStatus(200, await lab.ask('PATCH', '/v1/self', asked));
    const stale: [string, string][] = [
      ['DELETE', path],
      ['POST', `${path}/renew`],
    ];
    for (const [method, target] of stale) {
      expectProblem('stale', expectStatus(412, await lab.ask(method, target, { headers: old })));
      expectProblem('stale', expectStatus(412, await lab.ask(method, target, { headers: { 'if-match': 'x' } })));
    }
    const body = { routes: ['172.27.1.0/24'] };
    expectProblem('stale', expectStatus(412, await lab.ask('PATCH', path, { body, headers: old })));
    expectStatus(200, await lab.ask('POST', `${path}/renew`, { headers: { 'if-match': await etagOf(path) } }));
    expectStatus(200, await lab.ask('POST', `${path}/renew`));
    expectStatus(204, await lab.ask('DELETE', path, { headers: { 'if-match': await etagOf(path) } }));
    await lab.enrol(token);
    expectStatus(204, await lab.ask('DELETE', path));
    const network = '/v1/networks/home';
    const before = { 'if-match': await etagOf(network) };
    expectStatus(200, await lab.ask('PATCH', network, { body: { silence: 60 }, headers: before }));
    expectProblem('stale', expectStatus(412, await lab.ask('DELETE', network, { headers: before })));
    expectStatus(204, await lab.ask('DELETE', network, { headers: { 'if-match': await etagOf(network) } }));
  });
});
