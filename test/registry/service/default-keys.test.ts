/** Servers elsewhere came with keys that were the same everywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../src/log.ts';
import { createRegistry } from '../../../src/registry/app.ts';
import { issueCredential, issueFirstAdminKey } from '../../../src/registry/service/credentials.ts';
import { startServices } from './service-lab.ts';

test('the keys of a registry are its own: none is the same in two, and none is there before it is made', async (t) => {
  const { database, ports } = await startServices(t);
  const { results } = await database.prepare('SELECT count(*) AS keys FROM credentials').all();
  assert.deepEqual(results, [{ keys: 0 }]);
  let tried = 0;
  const limited = { ...ports, wall: () => Date.UTC(2026, 0, 1) + 60_000 * tried++ }; // so that refused credentials stay 401
  const app = createRegistry({ ports: limited, log: silentLog, peerAddress: () => '127.0.0.1' });
  const status = async (key: string) => {
    const headers = { authorization: `Bearer ${key}` };
    return (await app.fetch(new Request('http://registry/v1/networks', { headers }))).status;
  };
  const usual = [
    '',
    'admin',
    'changeme',
    'secret',
    `pga_${'A'.repeat(43)}`,
    `pga_${'0'.repeat(43)}`,
    `pga_${'x'.repeat(43)}`,
  ];
  for (const key of usual) assert.equal(await status(key), 401, key);
  const made = await Promise.all(Array.from({ length: 50 }, () => issueCredential('admin', ports)));
  assert.equal(new Set(made.map(({ text }) => text)).size, 50);
  assert.equal(new Set(made.map(({ record }) => record.hash)).size, 50);
  for (const { text } of made.slice(0, 5)) assert.equal(await status(text), 401, 'a key that was made elsewhere');
  // And the one that was made here opens it, once there is one.
  const own = await issueFirstAdminKey(ports);
  assert.equal(await status(own ?? ''), 200);
  assert.equal(await issueFirstAdminKey(ports), undefined);
});
