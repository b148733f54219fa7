import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { syncChange } from '../../src/cli/sync-change.ts';
import type { PeerChange, PeerState } from '../../src/device/contract.ts';
import { formatCidr, parseCidr } from '../../src/ip.ts';
import { formatKey, type PresharedKey, type PrivateKey, type PublicKey } from '../../src/keys.ts';
import type { TunnelChange, TunnelState } from '../../src/tunnel/state.ts';
import { parseEndpoint } from '../../src/uapi/endpoint.ts';

/** All that a [Peer] section says, as numbers and texts. */
interface Wanted {
  key: number;
  preshared: number;
  endpoint: string | undefined;
  keepalive: number;
  allowedIps: string[];
}

const wantedPeer: fc.Arbitrary<Wanted> = fc.record({
  key: fc.integer({ min: 1, max: 5 }),
  preshared: fc.integer({ min: 0, max: 1 }),
  endpoint: fc.constantFrom(undefined, '192.0.2.1:1', '[2001:db8::1]:2'),
  keepalive: fc.constantFrom(0, 25),
  allowedIps: fc.uniqueArray(fc.constantFrom('10.0.0.0/8', '10.0.0.1/32', 'fd00::/64'), { maxLength: 3 }),
});
const wantedPeers = fc.uniqueArray(wantedPeer, { selector: (peer) => peer.key, maxLength: 5 });

function bytes(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

function change(peers: readonly Wanted[]): TunnelChange {
  return {
    privateKey: bytes(9) as PrivateKey, // 32 bytes
    listenPort: 5,
    fwmark: 0,
    replacePeers: true,
    peers: peers.map(({ key, preshared, endpoint, keepalive, allowedIps }): PeerChange => ({
      publicKey: bytes(key) as PublicKey, // 32 bytes
      presharedKey: bytes(preshared) as PresharedKey, // 32 bytes
      ...(endpoint === undefined ? {} : { endpoint: parseEndpoint(endpoint)! }),
      persistentKeepalive: keepalive,
      replaceAllowedIps: true,
      allowedIps: allowedIps.map((text) => ({ cidr: parseCidr(text)! })),
    })),
  };
}

/** What a tunnel is after a change, as the UAPI says. */
function applied(state: TunnelState, { peers = [], privateKey, listenPort, fwmark }: TunnelChange): TunnelState {
  const byKey = new Map(state.peers.map((peer) => [formatKey(peer.publicKey), peer]));
  for (const { publicKey, remove, allowedIps = [], replaceAllowedIps, ...edit } of peers) {
    const key = formatKey(publicKey);
    const present = byKey.get(key) ?? blank(publicKey);
    if (remove === true) byKey.delete(key);
    else {
      const kept = replaceAllowedIps === true ? [] : present.allowedIps;
      byKey.set(key, { ...present, ...edit, allowedIps: [...kept, ...allowedIps.map(({ cidr }) => cidr)] });
    }
  }
  return {
    ...state,
    privateKey: privateKey ?? state.privateKey,
    listenPort: listenPort ?? state.listenPort,
    fwmark: fwmark ?? state.fwmark,
    peers: [...byKey.values()],
  };
}

const empty: TunnelState = {
  privateKey: undefined,
  publicKey: undefined,
  listenPort: 0,
  fwmark: 0,
  peers: [],
  drops: {},
};

function blank(publicKey: PublicKey): PeerState {
  return {
    publicKey,
    presharedKey: bytes(0) as PresharedKey, // none
    endpoint: undefined,
    latestHandshakeMs: 0,
    rxBytes: 0,
    txBytes: 0,
    persistentKeepalive: 0,
    allowedIps: [],
  };
}

/** Without endpoints: one that is not named stays. */
function comparable(state: TunnelState): string[] {
  const lines = state.peers.map((peer) => {
    const allowedIps = peer.allowedIps.map(formatCidr).sort().join();
    return [formatKey(peer.publicKey), formatKey(peer.presharedKey), peer.persistentKeepalive, allowedIps].join(' ');
  });
  return lines.sort();
}

describe('the least change to a configuration', () => {
  it('leads to it from any other, and nothing is left to do then', () => {
    fc.assert(
      fc.property(wantedPeers, wantedPeers, (from, to) => {
        const before = applied(empty, change(from));
        const after = applied(before, syncChange(before, change(to)));
        assert.deepEqual(comparable(after), comparable(applied(empty, change(to))));
        assert.deepEqual(syncChange(after, change(to)), { peers: [] });
      }),
    );
  });

  it('does not mention a peer that stays as it is', () => {
    const stays = { key: 1, preshared: 0, endpoint: '192.0.2.1:1', keepalive: 25, allowedIps: ['10.0.0.1/32'] };
    const goes = { ...stays, key: 2, allowedIps: ['fd00::/64'] };
    const before = applied(empty, change([stays, goes]));
    const { peers } = syncChange(before, change([stays, { ...goes, key: 3 }]));
    assert.deepEqual(
      peers?.map((peer) => [peer.publicKey[0], peer.remove]),
      [
        [2, true],
        [3, undefined],
      ],
    );
  });

  it('leaves an endpoint and a private key that the file does not name', () => {
    const peer = { key: 1, preshared: 0, endpoint: '192.0.2.1:1', keepalive: 0, allowedIps: [] };
    const before = applied(empty, change([peer]));
    const { privateKey: _, ...withoutKey } = change([{ ...peer, endpoint: undefined }]);
    assert.deepEqual(syncChange(before, withoutKey), { peers: [] });
  });
});
