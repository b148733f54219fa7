/**
 * The list of peers as this host knows it, and how an answer of the registry changes it.
 *
 * The list is kept sorted by name, so that a full list and the sum of its differences are the same list.
 */
import { parseCidr } from '../ip.ts';
import type { PeerList, PeerView } from '../registry/wire.ts';

export interface PeerSet {
  version: number;
  peers: readonly PeerView[];
}

/** The set after an answer to `GET /v1/peers`; the very same object when nothing changed. */
export function mergePeerList(present: PeerSet, list: PeerList, ownPublicKey: string): PeerSet {
  const byKey = new Map(list.full ? [] : present.peers.map((peer) => [peer.publicKey, peer]));
  for (const key of list.removed) byKey.delete(key);
  for (const peer of list.peers) byKey.set(peer.publicKey, peer);
  // A host that has itself as a peer would talk to itself; the device ignores it, a file should not hold it.
  byKey.delete(ownPublicKey);
  const peers = [...byKey.values()].map(acceptable).sort((a, b) => compare(a.name, b.name));
  const same = list.version === present.version && JSON.stringify(peers) === JSON.stringify(present.peers);
  return same ? present : { version: list.version, peers };
}

/**
 * A registry hands out addresses and routes inside a network. It has no say over a host's default route: one that was
 * broken into could otherwise draw all of the host's traffic to a peer.
 */
function acceptable(peer: PeerView): PeerView {
  const allowedIps = peer.allowedIps.filter((text) => {
    const prefix = parseCidr(text);
    return prefix !== undefined && prefix.prefixLength > 0;
  });
  return allowedIps.length === peer.allowedIps.length ? peer : { ...peer, allowedIps };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
