/** Where secrets must not be: in logs, in the database, in answers other than the one that hands them out. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { isEdge } from './engines/engine.ts';
import { expectStatus, someKey, startLab } from './lab.ts';

// D1 is no file.
if (!isEdge)
  test('the database can be read by its owner only', async (t) => {
    const lab = await startLab(t);
    for (const suffix of ['', '-wal', '-shm'])
      assert.equal((await stat(lab.databaseFile + suffix)).mode & 0o777, 0o600, `registry.db${suffix}`);
  });

describe('secrets', () => {
  test('no credential is in a log line, in the database, or in an answer but the first', async (t) => {
    const lab = await startLab(t);
    const answers: string[] = [];
    const ask: typeof lab.ask = async (...args) => {
      const answer = await lab.ask(...args);
      answers.push(answer.text, JSON.stringify([...answer.headers]));
      return answer;
    };
    const token = await lab.token({ uses: 2 });
    const { hostKey, host } = await lab.enrol(token, { endpoint: '203.0.113.1:1' });
    const script = await lab.ask('GET', `/${token}`, { as: null });
    assert.match(script.text, new RegExp(token), 'the script is for this token');
    for (const path of ['/v1/networks', '/v1/networks/home/tokens', '/v1/networks/home/hosts', '/v1/networks/home'])
      expectStatus(200, await ask('GET', path));
    for (const path of ['/v1/config', '/v1/config?format=wg', '/v1/config?format=json', '/v1/peers'])
      expectStatus(200, await ask('GET', path, { as: hostKey }));
    for (const accept of ['*/*', 'application/json']) {
      const body = { name: 'teddy', publicKey: host.publicKey };
      expectStatus(200, await ask('POST', '/v1/enroll', { as: hostKey, body, headers: { accept } }));
    }
    // In places where they do not belong, and where a log might take them from.
    await ask('GET', `/v1/nothing/${token}`);
    await ask('GET', `/v1/peers?key=${hostKey}`, { as: hostKey });
    await ask('POST', `/${token}`);
    await ask('POST', '/v1/enroll', { as: token, body: { name: token, publicKey: someKey() } });
    await ask('POST', '/v1/enroll', { as: token, body: `{"name": "${hostKey}` });
    await ask('DELETE', `/v1/networks/home/tokens/${token}`);
    const database = await lab.stored();
    const secrets = { 'admin key': lab.adminKey, token, 'host key': hostKey };
    for (const [name, secret] of Object.entries(secrets)) {
      const part = secret.slice(14, 40);
      assert(!lab.logged.some((line) => line.includes(part)), `${name} in the log`);
      assert(!database.includes(part), `${name} in the database`);
      assert(!answers.some((text) => text.includes(part)), `${name} in an answer`);
    }
    assert(lab.logged.length > 10, 'the registry does log');
    assert(database.includes(token.slice(0, 12)), 'the database was read');
  });

  test('the script is the same for a token that nobody made', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token();
    const unknown = `pgt_${'x'.repeat(43)}`;
    const [known, other] = await Promise.all([token, unknown].map((path) => lab.ask('GET', `/${path}`, { as: null })));
    assert.equal(other!.status, 200);
    assert.equal(other!.text.replaceAll(unknown, token), known!.text);
    assert.equal(known!.headers.get('cache-control'), 'no-store');
  });
});
