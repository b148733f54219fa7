/** What is kept in memory of a network's hosts is what the database holds, whoever wrote it. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { addHost } from '../../../src/registry/service/enrol.ts';
import { changeHost, getHost, removeHost } from '../../../src/registry/service/hosts.ts';
import { restoreHost } from '../../../src/registry/service/life-cycle.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import type { Store } from '../../../src/registry/store/port.ts';
import { rememberHosts } from '../../../src/registry/store/remembered-hosts.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from '../service/service-lab.ts';

const NETWORK = 1;
const NAMES = ['bernard', 'dolores', 'maeve', 'teddy'];
const step = fc.record({
  do: fc.constantFrom('add', 'add', 'endpoint', 'remove', 'restore'),
  name: fc.constantFrom(...NAMES),
  /** Whether somebody looks afterwards. */
  look: fc.boolean(),
});

/** Two registries over one file, of which the first one remembers. */
async function open(t: TestContext, options?: { limit: number }) {
  const { database, ports, clock } = await startServices(t);
  const plain = createD1Store(database);
  const kept = rememberHosts(plain, options);
  const add = async (name: string) =>
    accepted(await addHost('home', { name, publicKey: someKey() }, ADMIN, { ...ports, store: plain }));
  return { ports: { ...ports, store: plain }, database, plain, kept, add, clock };
}

describe('hosts that are remembered', () => {
  test('are those of the database after any changes by another, in lists and differences', async (t) => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const { ports, plain, kept, clock } = await open(t);
      for (const { do: what, name, look } of steps) {
        const path = { network: 'home', host: name };
        if (what === 'add') await addHost('home', { name, publicKey: someKey() }, ADMIN, ports);
        else if (what === 'remove') await removeHost(path, ADMIN, ports);
        else if (what === 'restore') await restoreHost(path, ADMIN, ports);
        else {
          const host = await getHost(path, ports);
          const { version } = host.ok ? host.value : { version: 0 };
          const patch = { endpoint: `192.0.2.1:${1 + (version % 60_000)}` };
          if (host.ok) accepted(await changeHost(path, patch, { ...ADMIN, ifVersion: version }, ports));
        }
        if (look) assert.deepEqual(await kept.listHosts(NETWORK), await plain.listHosts(NETWORK));
      }
      const version = (await plain.networkVersion(NETWORK))?.version ?? 0;
      // The clock stands still: the first change came at its time, and each of the others one later.
      for (let since = version; since > 0; since = since > clock.now ? since - 1 : since > 1 ? 1 : 0)
        for (let again = 0; again < 2; again++)
          assert.deepEqual(await kept.hostsChangedSince(NETWORK, since), await plain.hostsChangedSince(NETWORK, since));
      assert.deepEqual(await kept.listHosts(NETWORK), await plain.listHosts(NETWORK));
    });
    await fc.assert(property, { numRuns: 25, seed: 1 });
  });

  test('stay the same objects while they do not change', async (t) => {
    const { kept, add } = await open(t);
    await add('dolores');
    const [dolores] = await kept.listHosts(NETWORK);
    await add('bernard');
    assert.equal((await kept.listHosts(NETWORK))[1], dolores);
    assert.equal(await kept.listHosts(NETWORK), await kept.listHosts(NETWORK));
  });

  test('are no more than there is room for, and complete all the same', async (t) => {
    const { kept, add } = await open(t, { limit: 1 });
    await add('dolores');
    assert.equal(await kept.listHosts(NETWORK), await kept.listHosts(NETWORK));
    await add('bernard');
    assert.notEqual(await kept.listHosts(NETWORK), await kept.listHosts(NETWORK));
    assert.deepEqual(
      (await kept.listHosts(NETWORK)).map(({ name }) => name),
      ['bernard', 'dolores'],
    );
  });

  test('do not outlive the tombstone of one that was removed while nobody looked', async (t) => {
    const { ports, plain, kept, add, clock } = await open(t);
    await add('dolores');
    await add('teddy');
    assert.equal((await kept.listHosts(NETWORK)).length, 2);
    accepted(await removeHost({ network: 'home', host: 'teddy' }, ADMIN, ports));
    clock.now += 32 * 86_400_000;
    await add('maeve');
    assert.equal((await plain.findRemovedHost(NETWORK, 'teddy')) === undefined, true, 'its tombstone is gone');
    assert.deepEqual(
      (await kept.listHosts(NETWORK)).map(({ name }) => name),
      ['dolores', 'maeve'],
    );
  });

  test('are those of a backup that came back, also in the middle of a look', async (t) => {
    const { database, plain, kept, add, clock } = await open(t);
    await add('dolores');
    const version = (await plain.networkVersion(NETWORK))?.version ?? 0;
    const restore = async () => {
      // As restored.ts leaves it: another host, which has not changed since, and a version above all.
      await database.prepare("UPDATE hosts SET name = 'maeve' WHERE name = 'dolores'").run();
      await database
        .prepare(`UPDATE networks SET version = ${clock.now + 1000}, forgotten_version = ${clock.now + 1000}`)
        .run();
    };
    const names = async (store: Store) => (await store.listHosts(NETWORK)).map(({ name }) => name);
    assert.deepEqual(await names(kept), ['dolores']);
    const overtaken = rememberHosts({
      ...plain,
      async hostsChangedSince(networkId, since) {
        await restore();
        return plain.hostsChangedSince(networkId, since);
      },
    });
    assert.deepEqual(await names(overtaken), ['dolores']);
    await add('teddy');
    assert.deepEqual(await names(overtaken), ['maeve', 'teddy']);
    assert.deepEqual(await names(kept), ['maeve', 'teddy']);
    assert.deepEqual(await kept.hostsChangedSince(NETWORK, version), await plain.hostsChangedSince(NETWORK, version));
  });

  test('of a network that is not there are none', async (t) => {
    const { kept } = await open(t);
    assert.deepEqual([await kept.listHosts(99), await kept.hostsChangedSince(99, 1)], [[], []]);
  });
});
