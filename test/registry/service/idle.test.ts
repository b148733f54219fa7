/** A control server elsewhere was at 100 % of a CPU with three hundred hosts that did nothing. What ours does for as many is counted here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../src/log.ts';
import { createRegistry } from '../../../src/registry/app.ts';
import type { Bell } from '../../../src/registry/service/ports.ts';
import type { Store } from '../../../src/registry/store/port.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { fillNetwork } from '../fill-network.ts';
import { startServices } from './service-lab.ts';

const HOSTS = 300;
const SECONDS = 60;

/** A bell in simulated time, which is rung by nobody. */
function createSimulatedBell() {
  const waiting = new Map<object, { until: number; end: () => void }>();
  let now = 0;
  const bell: Bell = {
    ring: () => assert.fail('nothing has changed'),
    wait: (_networkId, _waiter, timeoutMs) =>
      new Promise((resolve) => {
        const key = {};
        waiting.set(key, { until: now + timeoutMs, end: () => resolve(waiting.delete(key) && false) });
      }),
  };
  const advance = (ms: number) => {
    now += ms;
    for (const { until, end } of waiting.values()) if (until <= now) end();
  };
  return { bell, advance, waiting };
}

test('three hundred hosts that wait for a minute ask twice each, and of the store nothing but who they are', async (t) => {
  const { ports, clock, database } = await startServices(t);
  const { bell, advance, waiting } = createSimulatedBell();
  const calls: Record<string, number> = {};
  const store = new Proxy(ports.store, {
    get(real, name: keyof Store) {
      calls[name] = (calls[name] ?? 0) + 1;
      return real[name];
    },
  });
  const app = createRegistry({ ports: { ...ports, store, bell }, log: silentLog, peerAddress: () => '192.0.2.1' });
  const { hostKeys } = await fillNetwork(database, 1, { hosts: HOSTS, keys: HOSTS });
  let requests = 0;
  const ask = async (key: string, path: string, etag?: string) => {
    requests++;
    const headers = { authorization: `Bearer ${key}`, ...(etag !== undefined && { 'if-none-match': etag }) };
    return app.fetch(new Request(`http://registry${path}`, { headers }));
  };
  const etags = await Promise.all(
    hostKeys.map(async (key) => (await ask(key, '/v1/peers')).headers.get('etag') ?? assert.fail('it has one')),
  );
  for (const name of Object.keys(calls)) delete calls[name];
  requests = 0;
  const end = new AbortController();
  const statuses = new Set<number>();
  const agents = hostKeys.map(async (key, i) => {
    while (!end.signal.aborted) statuses.add((await ask(key, '/v1/peers?wait=55', etags[i])).status);
  });
  for (let second = 0; second < SECONDS; second++) {
    await waitFor('all of them wait', () => waiting.size === HOSTS);
    clock.now += 1000;
    advance(1000);
  }
  await waitFor('all of them wait', () => waiting.size === HOSTS);
  assert.deepEqual([requests, [...statuses]], [2 * HOSTS, [304]]);
  // When each of the requests begins, and when the first is over.
  assert.deepEqual(calls, { findHostByCredential: 3 * HOSTS });
  end.abort();
  advance(55_000);
  await Promise.all(agents);
});
