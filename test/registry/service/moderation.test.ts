/** Limits on what is asked, where a registry meets them: by address before anything else, by host after its key was found good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../src/log.ts';
import { createRegistry } from '../../../src/registry/app.ts';
import { issueFirstAdminKey } from '../../../src/registry/service/credentials.ts';
import { addHost } from '../../../src/registry/service/enrol.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from './service-lab.ts';

async function startModerated(t: Parameters<typeof startServices>[0]) {
  const { ports, clock } = await startServices(t);
  let from = '192.0.2.1';
  const app = createRegistry({ ports, log: silentLog, peerAddress: () => from });
  const { hostKey } = accepted(await addHost('home', { name: 'teddy', publicKey: someKey() }, ADMIN, ports));
  const adminKey = await issueFirstAdminKey(ports);
  assert(adminKey !== undefined);
  const ask = async (
    path: string,
    { as = '', method = 'GET', body }: { as?: string; method?: string; body?: object } = {},
  ) => {
    const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' };
    const request = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    return app.fetch(new Request(`http://registry${path}`, request));
  };
  /** How many of them were answered with something else than 429, one after the other. */
  const countGood = async (count: number, work: () => Promise<Response>) => {
    let good = 0;
    for (let i = 0; i < count; i++) if ((await work()).status !== 429) good++;
    return good;
  };
  return { clock, ask, countGood, adminKey, hostKey, moveTo: (address: string) => (from = address) };
}

test('a host that reads all the time is told to wait, by its key and from wherever it asks, but not on the machine itself', async (t) => {
  const { clock, ask, countGood, hostKey, moveTo } = await startModerated(t);
  const read = () => ask('/v1/peers', { as: hostKey });
  assert.equal(await countGood(1210, read), 1200);
  moveTo('198.51.100.1');
  const refused = await read();
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
  clock.now += 50;
  assert.equal(await countGood(2, read), 1);
  moveTo('127.0.0.1');
  assert.equal(await countGood(10, read), 10);
});

test('one address has its share, whatever it asks for, and others have theirs', async (t) => {
  const { clock, ask, countGood, moveTo } = await startModerated(t);
  const health = () => ask('/healthz');
  assert.equal(await countGood(20_005, health), 20_000);
  assert.equal((await ask('/v1/nothing')).status, 429);
  clock.now += 3;
  assert.equal(await countGood(5, health), 3);
  moveTo('192.0.2.2');
  assert.equal(await countGood(5, health), 5);
});

test('a key of an administrator has its share, from however many addresses it comes', async (t) => {
  const { clock, ask, countGood, adminKey, moveTo } = await startModerated(t);
  let asked = 0;
  const look = () => {
    moveTo(`192.0.2.${asked++ % 4}`);
    return ask('/v1/networks', { as: adminKey });
  };
  assert.equal(await countGood(5005, look), 5000);
  clock.now += 6;
  assert.equal(await countGood(5, look), 3);
  moveTo('127.0.0.1');
  assert.equal((await ask('/v1/networks', { as: adminKey })).status, 200);
});

test('what a host changes of itself is limited for itself, and what it hears is not', async (t) => {
  const { clock, ask, countGood, hostKey } = await startModerated(t);
  let i = 0;
  // Each of them is a change.
  const change = () => ask('/v1/self', { as: hostKey, method: 'PATCH', body: { routes: [`172.27.${i++}.0/24`] } });
  assert.equal(await countGood(35, change), 30);
  const refused = await change();
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '10']);
  assert.equal((await ask('/v1/peers', { as: hostKey })).status, 200);
  const report = { as: hostKey, method: 'POST', body: { observed: [] } };
  assert.equal((await ask('/v1/report', report)).status, 200);
  clock.now += 10_000;
  assert.equal(await countGood(3, change), 1);
});
