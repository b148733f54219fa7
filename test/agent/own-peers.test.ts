import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutOwnPeers } from '../../src/agent/own-peers.ts';
import { parseCidr } from '../../src/ip.ts';
import { keyOf, peer } from './fake-registry.ts';

const ADDRESSES = ['10.0.0.9/24', 'fd00::9/64'];

const own = (number: number, ...prefixes: string[]) => ({
  publicKey: keyOf(number),
  allowedIps: prefixes.map((text) => parseCidr(text)!),
});

describe('a peer of the host’s own', () => {
  it('keeps its key, whoever in the network takes it', () => {
    const { peers, notes } = withoutOwnPeers([peer(1), peer(2)], [own(1, '192.168.50.0/24')], ADDRESSES);
    assert.deepEqual(peers, [peer(2)]);
    assert.deepEqual(notes, ['host1 is left out: a peer of your own has its key']);
  });

  it('keeps its key, whoever announces it as its next', () => {
    const taker = peer(2, { nextPublicKey: keyOf(1) });
    const { peers, notes } = withoutOwnPeers([taker], [own(1)], ADDRESSES);
    assert.deepEqual(peers, [peer(2)]);
    assert.deepEqual(notes, ['the next key of host2 is not taken: a peer of your own has it']);
    assert.deepEqual(withoutOwnPeers([taker], [own(3)], ADDRESSES), { peers: [taker], notes: [] });
  });

  it('keeps its prefixes, and all parts of them', () => {
    const routes = ['192.168.50.0/24', '192.168.50.128/25', '192.168.51.0/24', '192.168.0.0/16', '10.0.0.2/32'];
    const claims = own(1, '192.168.50.7/24', '10.0.0.2/32');
    const { peers, notes } = withoutOwnPeers([peer(2, { allowedIps: routes })], [claims], ADDRESSES);
    assert.deepEqual(peers[0]?.allowedIps, ['192.168.51.0/24', '192.168.0.0/16']);
    assert.deepEqual(notes, ['192.168.50.0/24, 192.168.50.128/25, 10.0.0.2/32 of host2 stays with a peer of your own']);
  });

  it('takes nothing from the network by a prefix as wide as it, or a default route', () => {
    const listed = [peer(2, { allowedIps: ['10.0.0.2/32', 'fd00::2/128', '172.27.88.0/24'] })];
    const wide = own(1, '10.0.0.0/8', 'fd00::/64', '0.0.0.0/0', '::/0', '128.0.0.0/1');
    assert.deepEqual(withoutOwnPeers(listed, [wide], ADDRESSES), { peers: listed, notes: [] });
    const exit = [peer(2, { allowedIps: ['10.0.0.2/32', '0.0.0.0/0'] })];
    assert.deepEqual(withoutOwnPeers(exit, [wide], ADDRESSES).peers[0]?.allowedIps, ['10.0.0.2/32']);
  });
});
