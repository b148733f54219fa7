/** Claims of an Idempotency-Key in the order in which things go wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../src/log.ts';
import { createRegistry } from '../../../src/registry/app.ts';
import { issueFirstAdminKey } from '../../../src/registry/service/credentials.ts';
import { claimChange, settleChange } from '../../../src/registry/service/idempotency.ts';
import { accepted, reasonOf, startServices } from './service-lab.ts';

const CHANGE = { caller: 'admin:test', credential: 'pga_secret', key: 'one', request: '["POST","/v1/networks"]' };
const HOUR_MS = 3_600_000;

function claimOf(claimed: Awaited<ReturnType<typeof claimChange>>) {
  const value = accepted(claimed);
  assert('claim' in value, 'nothing was kept for this key');
  return value.claim;
}

test('a request whose end nobody noted is under way until the day is over, and never done twice', async (t) => {
  const { ports, clock } = await startServices(t);
  claimOf(await claimChange(CHANGE, ports));
  clock.now += 24 * HOUR_MS;
  const again = await claimChange(CHANGE, ports);
  assert.equal(reasonOf(again), 'in-progress');
  clock.now += 1;
  claimOf(await claimChange(CHANGE, ports));
});

test('an answer too long to be kept is told to be done all the same', async (t) => {
  const { ports } = await startServices(t);
  const claim = claimOf(await claimChange(CHANGE, ports));
  await settleChange(claim, { status: 201, headers: {}, body: 'x'.repeat(300_000) }, ports);
  assert.equal(reasonOf(await claimChange(CHANGE, ports)), 'answer-not-kept');
});

test('a kept answer opens for the same credential only', async (t) => {
  const { ports, database } = await startServices(t);
  const answer = { status: 201, headers: { etag: '"1"' }, body: 'the secret' };
  await settleChange(claimOf(await claimChange(CHANGE, ports)), answer, ports);
  assert.deepEqual(accepted(await claimChange(CHANGE, ports)), { answer });
  assert.equal(reasonOf(await claimChange({ ...CHANGE, credential: 'pga_other' }, ports)), 'answer-not-kept');
  const { results } = await database.prepare('SELECT * FROM requests').all();
  assert.doesNotMatch(JSON.stringify(results), /the secret|pga_secret/);
});

test('a key that was refused leaves nothing behind, and old ones go when a new one comes', async (t) => {
  const { ports, clock, database } = await startServices(t);
  const rows = async () => (await database.prepare('SELECT key_hash FROM requests').all()).results.length;
  await settleChange(claimOf(await claimChange(CHANGE, ports)), { status: 409, headers: {}, body: '' }, ports);
  assert.equal(await rows(), 0);
  for (const key of ['one', 'two']) claimOf(await claimChange({ ...CHANGE, key }, ports));
  clock.now += 25 * HOUR_MS;
  claimOf(await claimChange({ ...CHANGE, key: 'three' }, ports));
  assert.equal(await rows(), 1);
});

test('where a request ends with its client, all of it outlives the client from the claim on', async (t) => {
  const { ports } = await startServices(t);
  const adminKey = await issueFirstAdminKey(ports);
  const outliving: Promise<void>[] = [];
  const begun: number[] = [];
  const store = {
    ...ports.store,
    async claimRequest(...args: Parameters<typeof ports.store.claimRequest>) {
      await new Promise(setImmediate); // on its way to the database
      begun.push(outliving.length);
      return ports.store.claimRequest(...args);
    },
  };
  const app = createRegistry({
    ports: { ...ports, store, outlive: (work) => void outliving.push(work) },
    log: silentLog,
    peerAddress: () => '192.0.2.1',
  });
  const headers = {
    authorization: `Bearer ${adminKey}`,
    'content-type': 'application/json',
    'idempotency-key': 'one',
  };
  const ask = (body: string) =>
    app.fetch(new Request('http://registry/v1/networks/home/tokens', { method: 'POST', headers, body }));
  const made = await ask('{}');
  assert.deepEqual([made.status, begun], [201, [1]]);
  const again = await ask('{}');
  assert.deepEqual([again.status, await again.text()], [201, await made.text()]);
  assert.equal((await ask('{"uses":2}')).status, 422);
  await Promise.all(outliving); // none rejects
});
