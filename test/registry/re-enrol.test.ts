/** POST /v1/enroll with the host's own key: its configuration again, and nothing made anew. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuditList } from '../../src/registry/wire-audit.ts';
import { HostConfig, HostList, HostView, NetworkView, PeerList, TokenList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from './lab.ts';

const JSON_ONLY = { accept: 'application/json' };
const HOST = '/v1/networks/home/hosts/teddy';

const audit = async (lab: Lab) => (await lab.ask('GET', '/v1/audit')).read(AuditList).entries.length;
const version = async (lab: Lab) => (await lab.ask('GET', '/v1/networks/home')).read(NetworkView).version;

async function startTeddy(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 5 });
  const maeve = await lab.enrol(token, { name: 'maeve', endpoint: '203.0.113.54:51000' });
  const teddy = await lab.enrol(token);
  const { publicKey } = teddy.host;
  const again = (facts: object = {}, as: string = teddy.hostKey, headers: Record<string, string> = JSON_ONLY) =>
    lab.ask('POST', '/v1/enroll', { as, headers, body: { name: 'teddy', publicKey, ...facts } });
  return { lab, token, maeve, teddy, again };
}

describe('enrolling again with the host key', () => {
  test('gives the same configuration, makes nothing, and repeats no credential', async (t) => {
    const { lab, teddy, again } = await startTeddy(t);
    const before = [await audit(lab), await version(lab)];
    const answer = expectStatus(200, await again());
    const { hostKey, ...config } = teddy;
    assert.deepEqual(answer.read(HostConfig), config);
    assert(!answer.text.includes(hostKey) && !answer.text.includes('pgh_'));
    assert.deepEqual([await audit(lab), await version(lab)], before);
    assert.equal((await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts.length, 2);
    const [token] = (await lab.ask('GET', '/v1/networks/home/tokens')).read(TokenList).tokens;
    assert.equal(token?.remaining, 3);
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: hostKey }));
  });

  test('answers curl with the wg0.conf that it lost, without a line for the host key', async (t) => {
    const { lab, teddy, again } = await startTeddy(t);
    const answer = expectStatus(200, await again({}, teddy.hostKey, { accept: '*/*' }));
    assert.equal(answer.text, (await lab.ask('GET', '/v1/config', { as: teddy.hostKey })).text);
    assert.match(answer.text, /^# teddy\.vpn\.example\.net in the network home/);
    const form = { name: 'teddy', publicKey: teddy.host.publicKey, endpoint: '' };
    const byForm = await lab.ask('POST', '/v1/enroll', { as: teddy.hostKey, form, headers: { accept: '*/*' } });
    assert.equal(expectStatus(200, byForm).text, answer.text);
  });

  test('takes what the host says of itself again, and tells the others where it is reached', async (t) => {
    const { lab, maeve, again } = await startTeddy(t);
    const known = (await lab.ask('GET', '/v1/peers', { as: maeve.hostKey })).read(PeerList).version;
    const said = { endpoint: 'Teddy.example.net:4500', listenPort: 4500, routes: ['172.27.1.0/24'] };
    const config = expectStatus(200, await again(said)).read(HostConfig);
    assert.deepEqual(
      [config.host.endpoint, config.host.listenPort, config.host.routes, config.host.requestedRoutes],
      ['teddy.example.net:4500', 4500, [], ['172.27.1.0/24']],
    );
    const news = (await lab.ask('GET', `/v1/peers?since=${known}`, { as: maeve.hostKey })).read(PeerList);
    assert.deepEqual(
      news.peers.map(({ name, endpoint }) => [name, endpoint]),
      [['teddy', 'teddy.example.net:4500']],
    );
    const before = [await audit(lab), await version(lab)];
    assert.deepEqual(expectStatus(200, await again(said)).read(HostConfig), config);
    // What is left out stays.
    assert.deepEqual(expectStatus(200, await again()).read(HostConfig), config);
    assert.deepEqual([await audit(lab), await version(lab)], before);
    expectProblem('invalid', expectStatus(422, await again({ endpoint: 'nowhere:0' })));
    expectProblem('route-overlap', expectStatus(409, await again({ routes: ['10.1.2.0/28'] })));
  });

  test('refuses another public key and another name, and says what to do instead', async (t) => {
    const { lab, token, again } = await startTeddy(t);
    const other = expectProblem('key-differs', expectStatus(409, await again({ publicKey: someKey() })));
    assert.match(other.detail, /\/v1\/rotate/);
    assert.equal(other.errors?.[0]?.pointer, '#/publicKey');
    expectProblem('invalid', expectStatus(422, await again({ name: 'arnold' })));
    // Somebody with a token takes nothing over, and hears how the host itself would come in.
    const [byName, byKey] = [await again({ publicKey: someKey() }, token), await again({ name: 'arnold' }, token)];
    assert.match(expectProblem('name-taken', expectStatus(409, byName)).detail, /host key/);
    assert.match(expectProblem('key-in-use', expectStatus(409, byKey)).detail, /host key/);
    const view = (await lab.ask('GET', HOST)).read(HostView);
    assert.equal(view.name, 'teddy');
  });

  test('is over with the host: expired, it may renew itself; removed, it is unknown', async (t) => {
    const lab = await startLab(t);
    const { hostKey, host } = await lab.enrol(await lab.token({ hostLifetime: 60 }));
    const again = () =>
      lab.ask('POST', '/v1/enroll', { as: hostKey, body: { name: 'teddy', publicKey: host.publicKey } });
    lab.clock.now += 61_000;
    assert.match(expectProblem('host-expired', expectStatus(403, await again())).detail, /\/v1\/renew/);
    expectStatus(200, await lab.ask('POST', '/v1/renew', { as: hostKey }));
    expectStatus(200, await again());
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: hostKey }));
    const unknown = await lab.ask('POST', '/v1/enroll', { as: `pgh_${'x'.repeat(43)}`, body: {} });
    const { requestId: a, ...gone } = expectProblem('unauthorized', expectStatus(401, await again()));
    const { requestId: b, ...never } = expectProblem('unauthorized', expectStatus(401, unknown));
    assert.deepEqual([gone, a === b], [never, false]);
  });

  test('uses the key that the others know: the next one only when it is in use', async (t) => {
    const { lab, teddy, again } = await startTeddy(t);
    const publicKey = someKey();
    const rotate = (body: object) => lab.ask('POST', '/v1/rotate', { as: teddy.hostKey, body });
    expectStatus(200, await rotate({ publicKey }));
    expectProblem('key-differs', await again({ publicKey }));
    expectStatus(200, await again());
    expectStatus(200, await rotate({ publicKey, use: true }));
    expectProblem('key-differs', await again());
    assert.equal(expectStatus(200, await again({ publicKey })).read(HostConfig).host.publicKey, publicKey);
  });
});
