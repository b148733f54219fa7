import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { afterRestart, planRoutes, planUpdates, type PresentPeer } from '../../src/agent/apply.ts';
import type { PeerView } from '../../src/registry/wire.ts';
import { keyOf, peer } from './fake-registry.ts';

/** The tunnel as it is right after it was set to a list. */
function tunnel(views: readonly PeerView[], overrides: Partial<PresentPeer> = {}): PresentPeer[] {
  return views.map(({ publicKey, endpoint, allowedIps, persistentKeepalive }) => ({
    publicKey,
    endpoint: endpoint ?? undefined,
    isAlive: false,
    latestHandshakeMs: 0,
    allowedIps,
    persistentKeepalive,
    ...overrides,
  }));
}

describe('the change of a tunnel', () => {
  it('of a list that stayed the same is none', () => {
    const list = [peer(1, { endpoint: '192.0.2.1:1', allowedIps: ['10.0.0.1/32', 'fd00::0/64'] }), peer(2)];
    const present = tunnel(list).map((each) => ({ ...each, allowedIps: [...each.allowedIps].reverse() }));
    assert.deepEqual(planUpdates({ before: list, after: list, present }).updates, []);
  });

  it('takes away what a change that failed half-way has put there, and nobody else’s', () => {
    const list = [peer(1)];
    const present = tunnel([peer(1), peer(2), peer(3)]);
    const managed = new Set([keyOf(1), keyOf(2)]);
    const { updates } = planUpdates({ before: list, after: list, present, managed });
    assert.deepEqual(updates, [{ publicKey: keyOf(2), remove: true }]);
  });

  it('leaves an endpoint that roamed', () => {
    const list = [peer(1, { endpoint: '192.0.2.1:1' })];
    const present = tunnel(list, { endpoint: '198.51.100.7:9', isAlive: true });
    assert.deepEqual(planUpdates({ before: list, after: list, present }).updates, []);
  });

  it('sets an endpoint that the registry changed, but only once the peer is silent', () => {
    const before = [peer(1, { endpoint: '192.0.2.1:1' })];
    const after = [peer(1, { endpoint: '192.0.2.2:2' })];
    const alive = planUpdates({ before, after, present: tunnel(before, { isAlive: true }) });
    assert.deepEqual(alive.updates, []);
    const silent = planUpdates({ before: alive.applied, after, present: tunnel(before) });
    assert.deepEqual(silent.updates, [{ publicKey: keyOf(1), endpoint: '192.0.2.2:2' }]);
    assert.deepEqual(silent.applied, after);
  });

  it('sets the endpoint of a peer that has none, whatever was known before', () => {
    const list = [peer(1, { endpoint: '192.0.2.1:1' })];
    const { updates } = planUpdates({ before: list, after: list, present: tunnel(list, { endpoint: undefined }) });
    assert.deepEqual(updates, [{ publicKey: keyOf(1), endpoint: '192.0.2.1:1' }]);
  });

  it('sets an endpoint that was put off also when the agent was started anew meanwhile', () => {
    const list = [peer(1, { endpoint: '192.0.2.2:2' })];
    const elsewhere = { endpoint: '192.0.2.1:1' };
    const alive = planUpdates({
      before: afterRestart(list),
      after: list,
      present: tunnel(list, { ...elsewhere, isAlive: true }),
    });
    assert.deepEqual(alive.updates, []);
    const silent = planUpdates({ before: alive.applied, after: list, present: tunnel(list, elsewhere) });
    assert.deepEqual(silent.updates, [{ publicKey: keyOf(1), endpoint: '192.0.2.2:2' }]);
    const roamed = planUpdates({ before: silent.applied, after: list, present: tunnel(list, elsewhere) });
    assert.deepEqual(roamed.updates, []);
  });

  it('removes first, so that an address can pass to another host', () => {
    const before = [peer(1, { allowedIps: ['10.0.0.5/32'] })];
    const after = [peer(2, { allowedIps: ['10.0.0.5/32'] })];
    const { updates } = planUpdates({ before, after, present: tunnel(before) });
    assert.deepEqual(updates, [
      { publicKey: keyOf(1), remove: true },
      { publicKey: keyOf(2), allowedIps: ['10.0.0.5/32'], persistentKeepalive: 25 },
    ]);
  });

  it('leaves the peers that the administrator added alone', () => {
    const present = tunnel([peer(8), peer(1)]);
    assert.deepEqual(planUpdates({ before: [peer(1)], after: [peer(1)], present }).updates, []);
  });

  it('brings any tunnel from any list to any other, and then there is nothing left to do', () => {
    const view = fc
      .record({
        number: fc.integer({ min: 1, max: 6 }),
        endpoint: fc.constantFrom(null, '192.0.2.1:1', '192.0.2.2:2'),
        allowedIps: fc.uniqueArray(fc.constantFrom('10.0.0.1/32', '10.0.0.2/32', 'fd00::/64'), { maxLength: 3 }),
        persistentKeepalive: fc.constantFrom(0, 25),
      })
      .map(({ number, ...rest }) => peer(number, rest));
    const list = fc.uniqueArray(view, { selector: (each) => each.publicKey, maxLength: 6 });
    fc.assert(
      fc.property(list, list, (before, after) => {
        const present = new Map(tunnel(before).map((each) => [each.publicKey, each]));
        for (const { publicKey, remove, ...change } of planUpdates({ before, after, present: [...present.values()] })
          .updates) {
          const blank = tunnel([peer(0, { allowedIps: [], persistentKeepalive: 0 })])[0]!;
          if (remove === true) present.delete(publicKey);
          else present.set(publicKey, { ...(present.get(publicKey) ?? blank), publicKey, ...change });
        }
        assert.deepEqual([...present.keys()].sort(), after.map((each) => each.publicKey).sort());
        const again = planUpdates({ before: after, after, present: [...present.values()] });
        assert.deepEqual(again.updates, []);
      }),
    );
  });
});

describe('the change of the routes', () => {
  it('names what came and what went, each once and in its canonical form', () => {
    const before = [peer(1, { allowedIps: ['172.27.88.9/24', 'fd00:0::/64'] })];
    const after = [peer(1, { allowedIps: ['fd00::/64'] }), peer(2, { allowedIps: ['172.27.126.0/24', 'fd00::1/64'] })];
    assert.deepEqual(planRoutes(before, after), { added: ['172.27.126.0/24'], removed: ['172.27.88.0/24'] });
  });
});
