/** Idempotency-Key: what an administrator sends twice is done once, and answered twice. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuditList } from '../../src/registry/wire-audit.ts';
import { CreatedToken, Enrolled, HostList, HostView, NetworkView, TokenList } from '../../src/registry/wire.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from './lab.ts';

const TOKENS = '/v1/networks/home/tokens';
const HOSTS = '/v1/networks/home/hosts';
const DAY_MS = 86_400_000;

const keyed = (key: string, headers: Record<string, string> = {}) => ({ 'idempotency-key': key, ...headers });
const tokens = async (lab: Lab) => (await lab.ask('GET', TOKENS)).read(TokenList).tokens;

describe('an Idempotency-Key', () => {
  test('gives the same answer twice, the secret of a token included, and one token', async (t) => {
    const lab = await startLab(t);
    const request = { body: { name: 'teddy' }, headers: keyed('8e03978e-40d5') };
    const first = expectStatus(201, await lab.ask('POST', TOKENS, request));
    const second = expectStatus(201, await lab.ask('POST', TOKENS, request));
    assert.equal(second.text, first.text);
    assert.equal(second.headers.get('content-type'), first.headers.get('content-type'));
    assert.deepEqual(
      [first, second].map(({ headers }) => headers.get('idempotency-replayed')),
      [null, 'true'],
    );
    assert.equal((await tokens(lab)).length, 1);
    await lab.enrol(second.read(CreatedToken).token);
    assert.equal((await tokens(lab))[0]?.state, 'used');
  });

  test('keeps no secret where somebody who reads the database finds it', async (t) => {
    const lab = await startLab(t);
    const body = { name: 'dolores', publicKey: someKey() };
    const { token } = (await lab.ask('POST', TOKENS, { body: {}, headers: keyed('one') })).read(CreatedToken);
    const { hostKey } = (await lab.ask('POST', HOSTS, { body, headers: keyed('two') })).read(Enrolled);
    const stored = await lab.stored();
    for (const secret of [token, hostKey, lab.adminKey]) {
      assert(!stored.includes(secret));
      assert(!stored.includes(secret.slice('pgt_'.length + 8)), 'without its public part');
    }
  });

  test('is good for one request: another body, path or precondition is refused', async (t) => {
    const lab = await startLab(t);
    expectStatus(201, await lab.ask('POST', TOKENS, { body: {}, headers: keyed('one') }));
    const other = { body: { uses: 2 }, headers: keyed('one') };
    expectProblem('key-reused', expectStatus(422, await lab.ask('POST', TOKENS, other)));
    expectProblem('key-reused', await lab.ask('POST', '/v1/networks', { body: {}, headers: keyed('one') }));
    expectProblem(
      'key-reused',
      await lab.ask('POST', TOKENS, { body: {}, headers: keyed('one', { 'if-match': '"1"' }) }),
    );
    assert.equal((await tokens(lab)).length, 1);
  });

  test('is forgotten after a day', async (t) => {
    const lab = await startLab(t);
    const request = { body: {}, headers: keyed('one') };
    const first = await lab.ask('POST', TOKENS, request);
    lab.clock.now += DAY_MS;
    assert.equal((await lab.ask('POST', TOKENS, request)).text, first.text);
    lab.clock.now += 1;
    assert.notEqual(expectStatus(201, await lab.ask('POST', TOKENS, request)).text, first.text);
  });

  test('that was refused is free for the same request, once what stood in its way is gone', async (t) => {
    const lab = await startLab(t);
    await lab.enrol(await lab.token());
    const request = { body: { name: 'teddy', publicKey: someKey() }, headers: keyed('one') };
    expectProblem('name-taken', expectStatus(409, await lab.ask('POST', HOSTS, request)));
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`));
    const added = expectStatus(201, await lab.ask('POST', HOSTS, request));
    assert.equal(expectStatus(201, await lab.ask('POST', HOSTS, request)).text, added.text);
  });

  test('lets a change with If-Match be sent again, although the ETag is old by then', async (t) => {
    const lab = await startLab(t);
    await lab.enrol(await lab.token());
    const etag = (await lab.ask('GET', `${HOSTS}/teddy`)).headers.get('etag')!;
    const request = { body: { listenPort: 51001 }, headers: keyed('one', { 'if-match': etag }) };
    const changed = expectStatus(200, await lab.ask('PATCH', `${HOSTS}/teddy`, request));
    const again = expectStatus(200, await lab.ask('PATCH', `${HOSTS}/teddy`, request));
    assert.deepEqual([again.text, again.headers.get('etag')], [changed.text, changed.headers.get('etag')]);
    expectProblem('stale', await lab.ask('PATCH', `${HOSTS}/teddy`, { ...request, headers: { 'if-match': etag } }));
  });

  test('lets a removal be sent again, without removing a host of the same name that came since', async (t) => {
    const lab = await startLab(t);
    await lab.enrol(await lab.token());
    const request = { headers: keyed('one') };
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`, request));
    await lab.enrol(await lab.token());
    assert.equal(expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`, request)).text, '');
    assert.deepEqual(
      (await lab.ask('GET', HOSTS)).read(HostList).hosts.map(({ name }) => name),
      ['teddy'],
    );
  });

  test('covers restoring a host, and making a network', async (t) => {
    const lab = await startLab(t);
    await lab.enrol(await lab.token());
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/teddy`));
    const restore = async () =>
      expectStatus(200, await lab.ask('POST', `${HOSTS}/teddy/restore`, { headers: keyed('one') })).read(HostView);
    assert.deepEqual(await restore(), await restore());
    const request = { body: { name: 'work' }, headers: keyed('two') };
    const add = async () => expectStatus(201, await lab.ask('POST', '/v1/networks', request)).read(NetworkView);
    assert.deepEqual(await add(), await add());
    const { entries } = (await lab.ask('GET', '/v1/audit')).read(AuditList);
    assert.equal(entries.filter(({ action }) => action === 'host.restore').length, 1);
  });

  test('of forty requests at once lets one be done; the others wait or get its answer', async (t) => {
    const lab = await startLab(t);
    const request = { body: {}, headers: keyed('one') };
    const answers = await Promise.all(Array.from({ length: 40 }, () => lab.ask('POST', TOKENS, request)));
    assert.equal((await tokens(lab)).length, 1);
    const texts = new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text));
    assert.equal(texts.size, 1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectProblem('in-progress', expectStatus(409, answer));
      assert.equal(answer.headers.get('retry-after'), '1');
    }
  });

  test('that is none is refused, and one without a change to make is not looked at', async (t) => {
    const lab = await startLab(t);
    expectProblem('invalid', await lab.ask('POST', TOKENS, { body: {}, headers: keyed('x'.repeat(256)) }));
    expectStatus(200, await lab.ask('GET', TOKENS, { headers: keyed('one') }));
    expectStatus(201, await lab.ask('POST', TOKENS, { body: {}, headers: keyed('one') }));
  });

  test('of one administrator is none of another', async (t) => {
    const lab = await startLab(t);
    const request = { body: {}, headers: keyed('one') };
    expectStatus(201, await lab.ask('POST', TOKENS, request));
    const strange = { ...request, as: `pga_${'x'.repeat(43)}` };
    expectProblem('unauthorized', expectStatus(401, await lab.ask('POST', TOKENS, strange)));
  });

  test('whose client hung up is settled all the same, and the change made once', async (t) => {
    const lab = await startLab(t);
    const keys = Array.from({ length: 12 }, (_, i) => `key-${i}`);
    for (const [i, key] of keys.entries()) {
      const client = new AbortController();
      const request = { body: {}, headers: keyed(key) };
      const given = lab.ask('POST', TOKENS, { ...request, signal: client.signal }).catch(() => undefined);
      // Sooner and later on its way.
      for (let turn = 0; turn < 5 * i; turn++) await new Promise(setImmediate);
      client.abort();
      await given;
      await waitFor('the key gives an answer', async () => (await lab.ask('POST', TOKENS, request)).status === 201);
    }
    assert.equal((await tokens(lab)).length, keys.length);
  });
});
