/**
 * Peers that have announced their next key: both of its keys are let in, and the allowed IPs belong to the one that is in use.
 *
 * That is the one with the later handshake, because its owner holds both private keys and an interface has only one of them. So
 * traffic follows the host at once, even while the registry cannot be asked. Its word, when it comes, only takes the old key away.
 */
import type { PeerView } from '../registry/wire.ts';
import type { PresentPeer } from './apply.ts';

/** The peers that a tunnel is to have for a list of the registry. */
export function withNextKeys(list: readonly PeerView[], present: readonly PresentPeer[]): PeerView[] {
  const handshakes = new Map(present.map((peer) => [peer.publicKey, peer.latestHandshakeMs]));
  const at = (publicKey: string): number => handshakes.get(publicKey) ?? 0;
  const own = new Set(list.map((peer) => peer.publicKey));
  return list.flatMap(({ nextPublicKey, ...peer }) => {
    // No registry announces a key that another host has.
    if (nextPublicKey === undefined || own.has(nextPublicKey)) return [peer];
    const isInUse = at(nextPublicKey) > at(peer.publicKey);
    const [inUse, other] = isInUse ? [nextPublicKey, peer.publicKey] : [peer.publicKey, nextPublicKey];
    return [{ ...peer, publicKey: inUse }, idle(peer, other)];
  });
}

/** Answers handshakes, and begins none: it has nothing to send to, and nowhere. */
function idle(peer: PeerView, publicKey: string): PeerView {
  return { ...peer, publicKey, endpoint: null, allowedIps: [], persistentKeepalive: 0 };
}
