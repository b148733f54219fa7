/** Peers that announced their next key: which of the two the traffic goes to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterRestart, planUpdates, type PresentPeer } from '../../src/agent/apply.ts';
import { withNextKeys } from '../../src/agent/next-keys.ts';
import type { PeerView } from '../../src/registry/wire.ts';
import { keyOf, peer } from './fake-registry.ts';

const [OLD, NEXT] = [keyOf(1), keyOf(9)];
const announced = peer(1, { endpoint: '192.0.2.1:1', nextPublicKey: NEXT });
const rotated = peer(1, { publicKey: NEXT, endpoint: '192.0.2.1:1' });

/** A tunnel that was set to these, with the handshakes that it had. */
function tunnel(views: readonly PeerView[], handshakes: Record<string, number> = {}): PresentPeer[] {
  return views.map(({ publicKey, endpoint, allowedIps, persistentKeepalive }) => ({
    publicKey,
    endpoint: endpoint ?? (handshakes[publicKey] === undefined ? undefined : '198.51.100.7:7'),
    isAlive: handshakes[publicKey] !== undefined,
    latestHandshakeMs: handshakes[publicKey] ?? 0,
    allowedIps,
    persistentKeepalive,
  }));
}

describe('a peer that announced its next key', () => {
  it('is let in with both, and keeps its addresses at the one that it uses', () => {
    const before = [peer(1, { endpoint: '192.0.2.1:1' })];
    const present = tunnel(before, { [OLD]: 1000 });
    const { updates } = planUpdates({ before, after: withNextKeys([announced], present), present });
    assert.deepEqual(updates, [{ publicKey: NEXT, allowedIps: [] }]);
  });

  it('is followed to the next key as soon as that has the later handshake', () => {
    const before = withNextKeys([announced], []);
    const present = tunnel(before, { [OLD]: 1000, [NEXT]: 2000 });
    const { updates, applied } = planUpdates({ before, after: withNextKeys([announced], present), present });
    const moved = updates.find(({ publicKey }) => publicKey === NEXT);
    assert.deepEqual(moved?.allowedIps, ['10.0.0.1/32']);
    assert.equal(moved?.endpoint, undefined, 'where the handshake came from is where it is');
    assert.deepEqual(updates.find(({ publicKey }) => publicKey === OLD)?.allowedIps, []);
    // The registry's word changes nothing more than that the old key goes.
    const settled = tunnel(applied, { [OLD]: 1000, [NEXT]: 2000 });
    const last = planUpdates({ before: applied, after: withNextKeys([rotated], settled), present: settled });
    assert.deepEqual(last.updates, [{ publicKey: OLD, remove: true }]);
  });

  it('is followed back when it uses the old key again', () => {
    const present = tunnel(withNextKeys([announced], []), { [OLD]: 3000, [NEXT]: 2000 });
    assert.deepEqual(
      withNextKeys([announced], present).map(({ publicKey, allowedIps }) => [publicKey, allowedIps]),
      [
        [OLD, ['10.0.0.1/32']],
        [NEXT, []],
      ],
    );
  });

  it('is followed at the word of the registry when there was no handshake yet', () => {
    const before = withNextKeys([announced], []);
    const present = tunnel(before, { [OLD]: 1000 });
    const { updates } = planUpdates({ before, after: [rotated], present });
    assert.deepEqual(updates, [
      { publicKey: OLD, remove: true },
      { publicKey: NEXT, endpoint: '192.0.2.1:1', allowedIps: ['10.0.0.1/32'], persistentKeepalive: 25 },
    ]);
  });

  it('stays where it was seen with the old key, when nobody knows better', () => {
    const view = { ...announced, endpoint: null };
    const before = withNextKeys([view], []);
    const present = tunnel(before, { [OLD]: 1000 });
    const { updates } = planUpdates({ before, after: [{ ...rotated, endpoint: null }], present });
    assert.equal(updates.find(({ publicKey }) => publicKey === NEXT)?.endpoint, '198.51.100.7:7');
  });

  it('whose announcement was taken back while the agent was away is let in with the old key only', () => {
    const before = afterRestart([announced]);
    const present = tunnel(withNextKeys([announced], []), { [OLD]: 1000 });
    const { updates } = planUpdates({ before, after: [peer(1, { endpoint: '192.0.2.1:1' })], present });
    assert.deepEqual(updates, [{ publicKey: NEXT, remove: true }]);
  });

  it('does not get the key of another host', () => {
    const list = [{ ...announced, nextPublicKey: keyOf(2) }, peer(2)];
    const { publicKey } = list[0]!;
    assert.deepEqual(
      withNextKeys(list, tunnel(list, { [keyOf(2)]: 5000 })).map((view) => view.publicKey),
      [publicKey, keyOf(2)],
    );
  });
});
