import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergePeerList as tryMerge } from '../../src/agent/merge.ts';
import type { PeerSet } from '../../src/agent/merge.ts';
import type { PeerList } from '../../src/registry/wire.ts';
import { OWN_KEY, peer } from './fake-registry.ts';

const nobody = { version: 0, peers: [] };

function full(version: number, ...peers: ReturnType<typeof peer>[]) {
  return { version, full: true, peers, removed: [] };
}

/** Of a list that is believed. */
function mergePeerList(present: PeerSet, list: PeerList, ownPublicKey: string): PeerSet {
  const merged = tryMerge(present, list, ownPublicKey);
  assert(merged !== undefined);
  return merged;
}

describe('merging an answer into the list of peers', () => {
  it('gives the very same object when nothing changed', () => {
    const present = mergePeerList(nobody, full(3, peer(2), peer(1)), OWN_KEY);
    assert.equal(mergePeerList(present, full(3, peer(1), peer(2)), OWN_KEY), present);
    assert.equal(mergePeerList(present, { version: 3, full: false, peers: [], removed: [] }, OWN_KEY), present);
  });

  it('a difference adds, replaces and removes; a full list replaces all', () => {
    const present = mergePeerList(nobody, full(3, peer(1), peer(2)), OWN_KEY);
    const changed = peer(2, { endpoint: '192.0.2.1:5' });
    const list = { version: 5, full: false, peers: [changed, peer(3)], removed: [peer(1).publicKey] };
    const after = mergePeerList(present, list, OWN_KEY);
    assert.deepEqual(after, { version: 5, peers: [changed, peer(3)] });
    assert.deepEqual(mergePeerList(after, full(1, peer(9)), OWN_KEY), { version: 1, peers: [peer(9)] });
  });

  it('never takes this host for a peer of itself', () => {
    const itself = peer(7, { publicKey: OWN_KEY });
    assert.deepEqual(mergePeerList(nobody, full(1, itself, peer(1)), OWN_KEY).peers, [peer(1)]);
  });

  it('a registry cannot draw the default route of a host to a peer', () => {
    const greedy = peer(1, { allowedIps: ['10.0.0.1/32', '0.0.0.0/0', '::/0', '10.0.0.0/0', '1.2.3.4; reboot'] });
    assert.deepEqual(mergePeerList(nobody, full(1, greedy), OWN_KEY).peers[0]?.allowedIps, ['10.0.0.1/32']);
    const halves = peer(1, { allowedIps: ['0.0.0.0/1', '128.0.0.0/1', '0.0.0.0/7', '::/1', '8000::/1', '2000::/15'] });
    assert.deepEqual(mergePeerList(nobody, full(1, halves), OWN_KEY).peers[0]?.allowedIps, []);
  });

  it('but a host may have one by the peer that it has chosen itself, and by no other', () => {
    const exit = peer(1, { name: 'berlin', allowedIps: ['10.0.0.1/32', '0.0.0.0/0', '::/0', '128.0.0.0/1'] });
    const other = peer(2, { name: 'paris', allowedIps: ['10.0.0.2/32', '0.0.0.0/0'] });
    const routesOf = (chosen?: string) =>
      tryMerge(nobody, full(1, exit, other), OWN_KEY, chosen)?.peers.map(({ allowedIps }) => allowedIps);
    assert.deepEqual(routesOf('berlin'), [['10.0.0.1/32', '0.0.0.0/0', '::/0'], ['10.0.0.2/32']]);
    assert.deepEqual(routesOf(), [['10.0.0.1/32'], ['10.0.0.2/32']]);
  });

  it('nor in many parts: such a list is not believed at all', () => {
    const parts = (from: number, count: number) => Array.from({ length: count }, (_, i) => `${from + i}.0.0.0/8`);
    assert.equal(tryMerge(nobody, full(1, peer(1, { allowedIps: parts(11, 100) })), OWN_KEY), undefined);
    const shared = [peer(1, { allowedIps: parts(11, 1) }), peer(2, { allowedIps: ['198.51.100.0/24'] })];
    assert.equal(tryMerge(nobody, full(1, ...shared), OWN_KEY), undefined);
    const six = Array.from({ length: 2 }, (_, i) => `200${i}::/16`);
    assert.equal(tryMerge(nobody, full(1, peer(1, { allowedIps: six })), OWN_KEY), undefined);
  });

  it('offices with all private ranges and public subnets behind them are believed', () => {
    const routes = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/16', '198.51.100.0/24', '2001:db8::/32'];
    assert.deepEqual(
      mergePeerList(nobody, full(1, peer(1, { allowedIps: routes })), OWN_KEY).peers[0]?.allowedIps,
      routes,
    );
  });
});
