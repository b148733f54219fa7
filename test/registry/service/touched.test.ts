/** What a change costs those who wait: those whom it does not concern are not even looked at, however many they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../src/log.ts';
import { createRegistry } from '../../../src/registry/app.ts';
import { enrol } from '../../../src/registry/service/enrol.ts';
import { getHost, changeHost } from '../../../src/registry/service/hosts.ts';
import { changeNetwork, findNetwork } from '../../../src/registry/service/networks.ts';
import { addToken } from '../../../src/registry/service/tokens.ts';
import { authenticateToken } from '../../../src/registry/service/credentials.ts';
import { listPeers } from '../../../src/registry/service/peers.ts';
import type { Bell } from '../../../src/registry/service/ports.ts';
import type { Store } from '../../../src/registry/store/port.ts';
import { PeerList } from '../../../src/registry/wire.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from './service-lab.ts';

const [MANY, FEW] = [40, 3];
const CHANGES = 10;

/** `guests` and `servers`, who see their own kind only; all of them wait for what comes after the last of them. */
async function startWaiting(t: Parameters<typeof startServices>[0]) {
  const { ports, clock, caller } = await startServices(t);
  const calls: string[] = [];
  const counted = new Proxy(ports.store, {
    get(store, name: keyof Store) {
      calls.push(name);
      return store[name];
    },
  });
  let held = 0;
  const bell: Bell = {
    ring: (...args) => ports.bell.ring(...args),
    async wait(...args) {
      held++;
      return ports.bell.wait(...args).finally(() => held--);
    },
  };
  const app = createRegistry({
    ports: { ...ports, store: counted, bell },
    log: silentLog,
    peerAddress: () => '192.0.2.1',
  });
  const rules = ['guests', 'servers'].map((tag) => ({ from: [tag], to: [tag] }));
  const { revision } = accepted(await findNetwork('home', ports));
  accepted(await changeNetwork('home', { rules }, { ...ADMIN, ifRevision: revision }, ports));
  const add = async (name: string, tag: string, hostLifetime?: number) => {
    const { token } = accepted(
      await addToken('home', { tags: [tag], ...(hostLifetime !== undefined && { hostLifetime }) }, ADMIN, ports),
    );
    const holder = accepted(await authenticateToken(token, ports));
    return accepted(await enrol({ name, publicKey: someKey() }, holder, ports)).hostKey;
  };
  const keysOf = async (tag: string, count: number) => {
    const keys: string[] = [];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (let i = 0; i < count; i++) keys.push(await add(`${tag}-${i}`, tag));
    return keys;
  };
  const [guests, servers] = [await keysOf('guests', MANY), await keysOf('servers', FEW)];
  const answered: string[] = [];
  /** From what the host knows now. */
  const wait = async (key: string) => {
    const { version: since } = await listPeers(await caller(key), undefined, ports);
    const headers = { authorization: `Bearer ${key}` };
    const url = `http://registry/v1/peers?since=${since}&wait=55`;
    const answer = await app.fetch(new Request(url, { headers }));
    answered.push(key);
    return PeerList.parse(await answer.json());
  };
  const waiting = async (count: number) => {
    await waitFor('all wait', () => held === count);
    calls.length = 0;
  };
  const change = async (name: string, port: number) => {
    const path = { network: 'home', host: name };
    const { version } = accepted(await getHost(path, ports));
    const endpoint = `192.0.2.7:${port}`;
    accepted(await changeHost(path, { endpoint }, { ...ADMIN, ifVersion: version }, ports));
  };
  return { ports, clock, calls, add, guests, servers, wait, waiting, answered, change };
}

test('a change wakes those who may see it, and of the others none is looked at', async (t) => {
  const { calls, guests, servers, wait, waiting, answered, change } = await startWaiting(t);
  const ofGuests = guests.map(wait);
  const ofServers = servers.slice(1).map(wait);
  await waiting(MANY + FEW - 1);
  await change('servers-0', 1000);
  const lists = await Promise.all(ofServers);
  assert.deepEqual(
    lists.map(({ peers }) => peers.map(({ name }) => name)),
    lists.map(() => ['servers-0']),
  );
  assert.equal(calls.filter((name) => name === 'findHostByCredential').length, FEW - 1);
  for (let i = 1; i < CHANGES; i++) await change('servers-0', 1000 + i);
  assert.equal(calls.filter((name) => name === 'findHostByCredential').length, FEW - 1);
  assert.equal(answered.length, FEW - 1);
  await change('guests-0', 1);
  for (const list of await Promise.all(ofGuests.slice(1)))
    assert.deepEqual(
      list.peers.map(({ name }) => name),
      ['guests-0'],
    );
  await ofGuests[0];
});

test('what is due out of sight is done by who waits, and who waits goes on waiting', async (t) => {
  const { ports, clock, add, guests, wait, answered, change } = await startWaiting(t);
  await add('brief', 'servers', 60);
  const { id, nextDueAt } = accepted(await findNetwork('home', ports));
  // A moment before: the clock stands still, so whoever waits looks again and again.
  clock.now = (nextDueAt ?? 0) - 5;
  const answer = wait(guests[1]!); // there are many
  clock.now += 10;
  const host = await waitFor('the host is hidden', async () => {
    const found = await ports.store.findHost(id, 'brief');
    return found?.lapsedAt === null ? undefined : found;
  });
  assert.equal(host.name, 'brief');
  assert.deepEqual(answered, []);
  await change('guests-0', 1);
  assert.deepEqual(
    (await answer).peers.map(({ name }) => name),
    ['guests-0'],
  );
});
