/** What holds when somebody else is faster: another request comes in between a service's look and its write. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { authenticateToken, type TokenHolder } from '../../../src/registry/service/credentials.ts';
import { addHost, enrol } from '../../../src/registry/service/enrol.ts';
import { changeHost, removeHost } from '../../../src/registry/service/hosts.ts';
import { renewHost } from '../../../src/registry/service/life-cycle.ts';
import { addNetwork, changeNetwork, findNetwork, removeNetwork } from '../../../src/registry/service/networks.ts';
import { listPeers } from '../../../src/registry/service/peers.ts';
import type { RegistryPorts } from '../../../src/registry/service/ports.ts';
import { addToken } from '../../../src/registry/service/tokens.ts';
import type { Store } from '../../../src/registry/store/port.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, reasonOf, startServices } from './service-lab.ts';

const ROUTE = '172.27.88.0/24';

/** The services, and tokens for them. */
async function start(t: TestContext) {
  const { database, ports, caller } = await startServices(t);
  const holder = async (): Promise<TokenHolder> => {
    const { token } = accepted(await addToken('home', { uses: 5, routes: ['172.16.0.0/12'] }, ADMIN, ports));
    return accepted(await authenticateToken(token, ports));
  };
  return { database, ports, caller, holder };
}

/** The same ports, on which `rival` runs once: after the answer to the first call of `method`, before its caller gets it. */
function overtaken(
  ports: RegistryPorts,
  method: 'listHosts' | 'listNetworks' | 'findNetwork' | 'findHost',
  rival: () => Promise<unknown>,
) {
  let isFirst = true;
  const store: Store = Object.create(ports.store, {
    [method]: {
      async value(...args: never[]) {
        const answer: unknown = await (ports.store[method] as (...args: never[]) => Promise<unknown>)(...args); // as it came
        if (isFirst) {
          isFirst = false;
          await rival();
        }
        return answer;
      },
    },
  }) as Store; // all other methods are those of the real one
  return { ...ports, store };
}

const request = (name: string, routes?: string[]) => ({ name, publicKey: someKey(), ...(routes && { routes }) });

describe('a request that is overtaken', () => {
  test('makes no token for a network that is gone', async (t) => {
    const { ports } = await start(t);
    const rival = overtaken(ports, 'findNetwork', () => removeNetwork('home', ADMIN, ports));
    assert.equal(reasonOf(await addToken('home', {}, ADMIN, rival)), 'not-found');
  });

  test('cannot enrol a host with a route that another has got meanwhile, and pays nothing', async (t) => {
    const { ports, holder } = await start(t);
    const caller = await holder();
    const rival = overtaken(ports, 'listHosts', async () =>
      accepted(await addHost('home', request('first', [ROUTE]), ADMIN, ports)),
    );
    assert.equal(reasonOf(await enrol(request('second', [ROUTE]), caller, rival)), 'route-overlap');
    assert.equal((await ports.store.findToken(caller.token.id))?.token.remaining, 5);
  });

  test('cannot add one as an administrator either', async (t) => {
    const { ports } = await start(t);
    const rival = overtaken(ports, 'listHosts', async () =>
      accepted(await addHost('home', request('first', [ROUTE]), ADMIN, ports)),
    );
    assert.equal(reasonOf(await addHost('home', request('second', [ROUTE]), ADMIN, rival)), 'route-overlap');
  });

  test('nor give such a route to a host that is there', async (t) => {
    const { ports } = await start(t);
    const { version } = accepted(await addHost('home', request('second'), ADMIN, ports));
    const rival = overtaken(ports, 'listHosts', async () =>
      accepted(await addHost('home', request('first', [ROUTE]), ADMIN, ports)),
    );
    const path = { network: 'home', host: 'second' };
    const changed = await changeHost(path, { routes: [ROUTE] }, { ...ADMIN, ifVersion: version }, rival);
    assert.equal(reasonOf(changed), 'route-overlap');
    assert.deepEqual((await ports.store.findHost(1, 'second'))?.routes, []);
  });

  test('cannot take a host out of the sight of another unsaid, when the rules change meanwhile', async (t) => {
    const { ports, caller } = await start(t);
    const rules = [{ from: ['office'], to: ['servers', 'guests'] }];
    const [before, after] = [rules, [{ from: ['office'], to: ['servers'] }]];
    const change = async (to: typeof rules) => {
      const { revision } = accepted(await findNetwork('home', ports));
      accepted(await changeNetwork('home', { rules: to }, { ...ADMIN, ifRevision: revision }, ports));
    };
    await change(before);
    const { version } = accepted(await addHost('home', { ...request('web'), tags: ['servers'] }, ADMIN, ports));
    const desk = accepted(await addHost('home', { ...request('desk'), tags: ['office'] }, ADMIN, ports));
    const rival = overtaken(ports, 'listHosts', () => change(after)); // no host is a guest: nobody notices
    const path = { network: 'home', host: 'web' };
    accepted(await changeHost(path, { tags: ['guests'] }, { ...ADMIN, ifVersion: version }, rival));
    const list = await listPeers(await caller(desk.hostKey), desk.version, ports);
    assert.deepEqual([list.full, list.peers], [true, []]);
  });

  test('cannot renew a host that has changed since the administrator read it', async (t) => {
    const { database, ports } = await start(t);
    const path = { network: 'home', host: 'teddy' };
    const { version } = accepted(await addHost('home', request('teddy'), ADMIN, ports));
    const rival = overtaken(ports, 'findHost', async () =>
      accepted(await changeHost(path, { tags: ['office'] }, { ...ADMIN, ifVersion: version }, ports)),
    );
    const renewals = async () =>
      (await database.prepare("SELECT id FROM audit WHERE action = 'host.renew'").all()).results.length;
    assert.equal(reasonOf(await renewHost(path, { ...ADMIN, ifVersion: version }, rival)), 'stale');
    assert.equal(await renewals(), 0);
    accepted(await renewHost(path, ADMIN, ports));
    assert.equal(await renewals(), 1);
  });

  test('cannot make a network in the range of one that was made meanwhile', async (t) => {
    const { ports } = await start(t);
    const make = (name: string) => ({ name, ranges: ['10.9.0.0/16'] });
    const third = { name: 'third', ranges: ['10.7.0.0/16'] };
    const rival = overtaken(ports, 'listNetworks', async () => accepted(await addNetwork(make('first'), ADMIN, ports)));
    assert.equal(reasonOf(await addNetwork(make('second'), ADMIN, rival)), 'range-overlap');
    const other = overtaken(ports, 'listNetworks', async () => accepted(await addNetwork(third, ADMIN, ports)));
    accepted(await addNetwork({ name: 'fourth', ranges: ['10.8.0.0/16'] }, ADMIN, other));
  });

  test('of an administrator whose network is gone by then is told that', async (t) => {
    const { ports } = await start(t);
    const rival = overtaken(ports, 'findNetwork', async () => accepted(await removeNetwork('home', ADMIN, ports)));
    assert.equal(reasonOf(await addHost('home', request('late'), ADMIN, rival)), 'not-found');
  });
});

describe('a host that is removed', () => {
  test('leaves no credential behind that opens anything', async (t) => {
    const { database, ports } = await start(t);
    accepted(await addHost('home', request('teddy'), ADMIN, ports));
    const hostKeys = async () =>
      (await database.prepare("SELECT id FROM credentials WHERE role = 'host' AND revoked_at IS NULL").all()).results
        .length;
    assert.equal(await hostKeys(), 1);
    accepted(await removeHost({ network: 'home', host: 'teddy' }, ADMIN, ports));
    assert.equal(await hostKeys(), 0);
  });
});
