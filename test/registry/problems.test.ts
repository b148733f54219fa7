/** Errors: problem+json that says how to mend it and names the field. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';

describe('problems', () => {
  test('a wrong, a missing and an unknown field are each pointed at', async (t) => {
    const lab = await startLab(t);
    const body = { name: 'Teddy', routes: ['172.27.0.0/16', 'x'], admin: true };
    const answer = expectStatus(422, await lab.ask('POST', '/v1/enroll', { as: await lab.token(), body }));
    const { errors, detail } = expectProblem('invalid', answer);
    const pointers = errors?.map((error) => error.pointer) ?? [];
    assert.deepEqual(new Set(pointers), new Set(['#/name', '#/publicKey', '#/routes/1', '#/admin']));
    assert.match(detail, /#\/name: expected lower-case letters/);
  });

  test('names that could leave their place in a file are refused', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 1 });
    const publicKey = someKey();
    const names = ['-a', 'a-', 'a.b', 'a b', 'a\n', 'ä', '', 'a'.repeat(64), '$(id)', 'a;b'];
    for (const name of names)
      expectProblem('invalid', await lab.ask('POST', '/v1/enroll', { as: token, body: { name, publicKey } }));
    const endpoints = [
      'host',
      'host:0',
      'host:65536',
      'a b:1',
      'a\nb:1',
      '1.2.3:1',
      '[::1:1',
      '[::g]:1',
      '::1:51820',
      'x..y:1',
    ];
    for (const endpoint of endpoints) {
      const answer = await lab.ask('POST', '/v1/enroll', { as: token, body: { name: 'teddy', publicKey, endpoint } });
      assert.equal(expectProblem('invalid', answer).errors?.[0]?.pointer, '#/endpoint', endpoint);
    }
    const keys = ['', 'x', publicKey.slice(1), `${publicKey}=`, publicKey.replace(/.=$/, 'B='), `${'A'.repeat(43)}=`];
    for (const key of keys) {
      const answer = await lab.ask('POST', '/v1/enroll', { as: token, body: { name: 'teddy', publicKey: key } });
      assert.equal(expectProblem('invalid', answer).errors?.[0]?.pointer, '#/publicKey', key);
    }
    await lab.enrol(token, { publicKey });
  });

  test('bodies that cannot be read, are too large or of another type have problems of their own', async (t) => {
    const lab = await startLab(t);
    const post = (body: string, contentType = 'application/json') =>
      lab.ask('POST', '/v1/networks', { body, headers: { 'content-type': contentType } });
    expectProblem('malformed', expectStatus(400, await post('{')));
    expectProblem('too-large', expectStatus(413, await post(`"${'x'.repeat(3_000_000)}"`)));
    expectProblem('unsupported-media-type', expectStatus(415, await post('name=home', 'text/plain')));
    const form = { name: 'x' };
    expectProblem('unsupported-media-type', expectStatus(415, await lab.ask('POST', '/v1/networks', { form })));
    expectProblem('unsupported-media-type', await lab.ask('POST', '/v1/enroll', { as: await lab.token() }));
  });

  test('an unknown path is a 404 and another method a 405 that names the right ones', async (t) => {
    const lab = await startLab(t);
    expectProblem('no-such-path', expectStatus(404, await lab.ask('GET', '/v1/nothing')));
    expectProblem('not-found', expectStatus(404, await lab.ask('GET', '/nothing')));
    const others = ['/v2/networks', '/v1/networks/home/nothing', '/v1/networks/home/hosts/x/y', '/v1/nothing/'];
    for (const as of [lab.adminKey, null]) {
      for (const path of others) expectProblem('no-such-path', expectStatus(404, await lab.ask('GET', path, { as })));
      // Of one part, as a join link has.
      for (const path of ['/v1', '/%00'])
        expectProblem('not-found', expectStatus(404, await lab.ask('GET', path, { as })));
    }
    expectProblem('no-such-path', expectStatus(404, await lab.ask('POST', '/v1/nothing', { body: {} })));
    const answer = expectStatus(405, await lab.ask('DELETE', '/v1/networks'));
    expectProblem('method-not-allowed', answer);
    assert.equal(answer.headers.get('allow'), 'POST, GET, HEAD');
  });

  test('many refused credentials from one address are told to wait, while good ones pass', async (t) => {
    const lab = await startLab(t);
    const tryOne = () => lab.ask('GET', '/v1/networks', { as: `pga_${'x'.repeat(43)}` });
    for (let i = 0; i < 30; i++) expectProblem('unauthorized', expectStatus(401, await tryOne()));
    const refused = expectStatus(429, await tryOne());
    expectProblem('too-many-attempts', refused);
    assert.equal(refused.headers.get('retry-after'), '60');
    expectStatus(200, await lab.ask('GET', '/v1/networks'));
    // A proxy on this machine names the client: another one has failed only once.
    const headers = { 'x-forwarded-for': '192.0.2.9' };
    expectStatus(401, await lab.ask('GET', '/v1/networks', { as: `pga_${'x'.repeat(43)}`, headers }));
    lab.clock.now += 60_000;
    expectProblem('unauthorized', expectStatus(401, await tryOne()));
  });
});
