import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergePeerList } from '../../src/agent/merge.ts';
import { OWN_KEY, peer } from './fake-registry.ts';

const nobody = { version: 0, peers: [] };

function full(version: number, ...peers: ReturnType<typeof peer>[]) {
  return { version, full: true, peers, removed: [] };
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
  });
});
