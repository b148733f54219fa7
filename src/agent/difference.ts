/** What came, went and changed between two lists of peers, for the agent's log. */
import type { PeerView } from '../registry/wire.ts';
import { isDeadEnd } from './held-exit.ts';

/** `came: teddy; changed: dolores`; empty when only this host itself changed. */
export function describeDifference(from: readonly PeerView[], to: readonly PeerView[]): string {
  const before = from.filter((peer) => !isDeadEnd(peer));
  const after = to.filter((peer) => !isDeadEnd(peer));
  // By name: a host that has a new key is still the same.
  const old = new Map(before.map((peer) => [peer.name, peer]));
  const now = new Set(after.map((peer) => peer.name));
  const came = after.filter((peer) => !old.has(peer.name));
  const gone = before.filter((peer) => !now.has(peer.name));
  const changed = after.filter((peer) => {
    const known = old.get(peer.name);
    return known !== undefined && JSON.stringify(known) !== JSON.stringify(peer);
  });
  const parts = (['came', 'went', 'changed'] as const).flatMap((word, i) => {
    const peers = [came, gone, changed][i] ?? [];
    return peers.length === 0 ? [] : [`${word}: ${peers.map((peer) => peer.name).join(', ')}`];
  });
  return parts.join('; ');
}
