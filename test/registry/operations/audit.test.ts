/** The audit trail: every change is in it once, with who did it, when and to what, and no secret is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuditList } from '../../../src/registry/wire-audit.ts';
import { isEdge } from '../engines/engine.ts';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from '../lab.ts';

async function read(lab: Lab, query = ''): Promise<AuditList> {
  return expectStatus(200, await lab.ask('GET', `/v1/audit${query}`)).read(AuditList);
}

describe('the audit trail', () => {
  test('each change leaves one entry that names actor, action, target and time; what fails leaves none', async (t) => {
    const lab = await startLab(t);
    const start = lab.clock.now;
    lab.clock.now += 1000;
    const token = await lab.token({ uses: 2 });
    const { hostKey } = await lab.enrol(token, { name: 'teddy' });
    await lab.ask('POST', '/v1/networks/home/hosts', { body: { name: 'maeve', publicKey: someKey() } });
    const seen = await lab.ask('GET', '/v1/networks/home/hosts/maeve');
    const headers = { 'if-match': seen.headers.get('etag')! };
    const change = { body: { endpoint: '203.0.113.1:51000' }, headers };
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home/hosts/maeve', change));
    expectStatus(412, await lab.ask('PATCH', '/v1/networks/home/hosts/maeve', change));
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: hostKey }));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    expectStatus(204, await lab.ask('DELETE', `/v1/networks/home/tokens/${token.slice(0, 12)}`));
    expectStatus(401, await lab.ask('POST', '/v1/enroll', { as: token, body: { name: 'x', publicKey: someKey() } }));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home'));
    const admin = `admin:${lab.adminKey.slice(0, 12)}`;
    const { entries, next } = await read(lab, '?network=home');
    assert.deepEqual(entries.map(({ actor, action, target }) => [actor, action, target]).toReversed(), [
      [admin, 'network.add', 'home'],
      [admin, 'token.add', token.slice(0, 12)],
      [`token:${token.slice(0, 12)}`, 'host.enrol', 'teddy'],
      [admin, 'host.add', 'maeve'],
      [admin, 'host.change', 'maeve'],
      ['host:teddy', 'host.remove', 'teddy'],
      [admin, 'host.remove', 'maeve'],
      [admin, 'token.revoke', token.slice(0, 12)],
      [admin, 'network.remove', 'home'],
    ]);
    assert.equal(next, null);
    assert.deepEqual(
      new Set(entries.map(({ at }) => at)),
      new Set([start, start + 1000].map((at) => new Date(at).toISOString())),
    );
    const text = JSON.stringify(entries);
    for (const secret of [lab.adminKey, token, hostKey]) assert(!text.includes(secret.slice(14, 40)));
  });

  test('each entry names its request in the log, and what was changed to what', async (t) => {
    const lab = await startLab(t);
    const options = { uses: 2, tags: ['cameras'], routes: ['172.27.88.0/24'] };
    const { hostKey } = await lab.enrol(await lab.token(options), { name: 'teddy' });
    const patch = { rules: [{ from: ['cameras'], to: ['*'] }], silence: 7200 };
    const headers = { 'if-match': '"1"' };
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { body: patch, headers }));
    expectStatus(200, await lab.ask('POST', '/v1/rotate', { as: hostKey, body: { publicKey: someKey() } }));
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: hostKey }));
    expectStatus(200, await lab.ask('POST', '/v1/networks/home/hosts/teddy/restore'));
    const { entries } = await read(lab, '?network=home');
    assert.equal(entries.length, 7);
    for (const { requestId, action } of entries) {
      assert.match(requestId ?? '', /^[0-9a-f-]{36}$/, action);
      // On workerd the log comes through another process.
      if (!isEdge) assert.equal(lab.logged.filter((line) => line.includes(`"${requestId}"`)).length, 1, action);
    }
    assert.equal(new Set(entries.map(({ requestId }) => requestId)).size, 7);
    const details = new Map(entries.map(({ action, detail }) => [action, detail]));
    assert.deepEqual([details.get('token.add'), details.get('network.change')], [options, patch]);
    await lab.token();
    assert.equal((await read(lab, '?action=token.add&limit=1')).entries[0]?.detail, null);
  });

  test('pages follow one another without a gap, and the last one says so', async (t) => {
    const lab = await startLab(t);
    for (let i = 0; i < 7; i++) await lab.token();
    const all = (await read(lab)).entries;
    assert(all.length >= 8);
    const paged: typeof all = [];
    let query = '?limit=3';
    for (;;) {
      const page = await read(lab, query);
      assert(page.entries.length <= 3);
      paged.push(...page.entries);
      if (page.next === null) break;
      query = `?limit=3&before=${page.next}`;
    }
    assert.deepEqual(paged, all);
    assert.deepEqual(
      all.map(({ id }) => id),
      all.map(({ id }) => id).toSorted((a, b) => b - a),
    );
  });

  test('each filter keeps what it names; one that is unknown or wrong is refused', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    await lab.enrol(token, { name: 'teddy' });
    await lab.enrol(token, { name: 'maeve' });
    await lab.ask('POST', '/v1/networks', { body: { name: 'work' } });
    const targets = async (query: string) => (await read(lab, query)).entries.map(({ target }) => target);
    assert.deepEqual(await targets('?target=teddy'), ['teddy']);
    assert.deepEqual(await targets('?network=work'), ['work']);
    assert.deepEqual(await targets('?action=host.enrol'), ['maeve', 'teddy']);
    assert.deepEqual(await targets(`?actor=token:${token.slice(0, 12)}&target=maeve`), ['maeve']);
    assert.deepEqual(await targets('?network=nowhere'), []);
    for (const query of ['?limit=0', '?limit=1001', '?before=x', '?colour=red', '?network=NO'])
      expectProblem('invalid', await lab.ask('GET', `/v1/audit${query}`));
  });
});
