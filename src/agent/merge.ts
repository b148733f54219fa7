/**
 * The list of peers as this host knows it, and how an answer of the registry changes it.
 *
 * The list is kept sorted by name, so that a full list and the sum of its differences are the same list.
 */
import { drawTooMuch, withoutWideRoutes } from './credible-routes.ts';
import type { PeerList, PeerView } from '../registry/wire.ts';

export interface PeerSet {
  version: number;
  peers: readonly PeerView[];
}

/**
 * The set after an answer to `GET /v1/peers`; the very same object when nothing changed, undefined for one not to be believed.
 * `exit`: the one peer that may have this host's default route.
 */
export function mergePeerList(
  present: PeerSet,
  list: PeerList,
  ownPublicKey: string,
  exit?: string,
): PeerSet | undefined {
  const byKey = new Map(list.full ? [] : present.peers.map((peer) => [peer.publicKey, peer]));
  for (const key of list.removed) byKey.delete(key);
  for (const peer of list.peers) byKey.set(peer.publicKey, peer);
  // A host that has itself as a peer would talk to itself; the device ignores it, a file should not hold it.
  byKey.delete(ownPublicKey);
  const peers = [...byKey.values()]
    .map((peer) => withoutWideRoutes(peer, exit))
    .sort((a, b) => compare(a.name, b.name));
  if (drawTooMuch(peers)) return undefined;
  const same = list.version === present.version && JSON.stringify(peers) === JSON.stringify(present.peers);
  return same ? present : { version: list.version, peers };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
