/** What a report costs the store: as much as it tells, however often it says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addHost } from '../../../src/registry/service/enrol.ts';
import { report } from '../../../src/registry/service/report.ts';
import type { Store } from '../../../src/registry/store/port.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from './service-lab.ts';

/** As many as one report may hold. */
const MOST = 10_000;

test('a report that names one host ten thousand times asks the store for one host, and writes one observation', async (t) => {
  const { ports, clock, caller } = await startServices(t);
  const { hostKey } = accepted(await addHost('home', { name: 'dolores', publicKey: someKey() }, ADMIN, ports));
  const publicKey = someKey();
  accepted(await addHost('home', { name: 'charlotte', publicKey }, ADMIN, ports));
  const dolores = await caller(hostKey);
  /** Each call, with how much its lists held. */
  const calls: [name: string, ...lengths: number[]][] = [];
  const store = new Proxy(ports.store, {
    get(real, name: keyof Store) {
      const method = real[name] as (...args: unknown[]) => unknown; // all of a store's properties are functions
      return (...args: unknown[]): unknown => {
        calls.push([name, ...args.flatMap((arg) => (Array.isArray(arg) ? [arg.length] : []))]);
        return method(...args);
      };
    },
  });
  const observed = Array.from({ length: MOST }, (_, i) => {
    const latestHandshake = clock.now / 1000 - 1 - ((i * 7) % MOST);
    return { publicKey, endpoint: `198.51.${i >> 8}.${i & 255}:1`, latestHandshake };
  });
  await report(dolores, { observed }, { ...ports, store });
  assert.deepEqual(calls, [['hostsWithoutEndpoint', 1], ['observeEndpoints', 1], ['networkById']]);
  calls.length = 0;
  await report(dolores, { observed }, { ...ports, store });
  assert.deepEqual(calls, [['hostsWithoutEndpoint', 1]], 'the same again writes nothing');
});
