/**
 * A chosen exit that is gone stays closed: what was routed through it must not leave by the ordinary route, in the clear. So its
 * default routes go to a peer that nobody is (src/config/dead-end.ts), which drops what it gets, until there is an exit again or the host
 * itself gives it up. A peer, and not a route alone: so it stays closed whoever brings the interface up from its file.
 */
import { formatCidr, parseCidr } from '../ip.ts';
import { DEAD_END_KEY, DEAD_END_NAME } from '../config/dead-end.ts';
import type { PeerView } from '../registry/wire.ts';
import type { OwnPeer } from './own-peers.ts';

export function isDeadEnd({ publicKey }: PeerView): boolean {
  return publicKey === DEAD_END_KEY;
}

/**
 * `listed`, with default routes for the families that had one `before` although the exit offers none now. A family that never had
 * one through the exit goes its own way, as before; so does one that a peer of the host's `own` has.
 */
export function holdExit(
  listed: readonly PeerView[],
  before: readonly PeerView[],
  own: readonly OwnPeer[],
  exit: string | undefined,
): readonly PeerView[] {
  const peers = listed.some(isDeadEnd) ? listed.filter((peer) => !isDeadEnd(peer)) : listed;
  if (exit === undefined) return peers;
  const offered = new Set([...defaultRoutes(peers), ...own.flatMap((peer) => peer.allowedIps.map(formatCidr))]);
  const missing = [...defaultRoutes(before)].filter((route) => !offered.has(route)).sort();
  return missing.length === 0 ? peers : [...peers, deadEnd(missing)];
}

/** Whether there is an exit for what had one. */
export function exitState(
  peers: readonly PeerView[],
  exit: string | undefined,
): 'none' | 'in use' | 'gone' | 'not offered' {
  if (exit === undefined) return 'none';
  if (peers.some(isDeadEnd)) return 'gone';
  return defaultRoutes(peers).size > 0 ? 'in use' : 'not offered';
}

function deadEnd(allowedIps: string[]): PeerView {
  return { name: DEAD_END_NAME, publicKey: DEAD_END_KEY, endpoint: null, allowedIps, persistentKeepalive: 0 };
}

function defaultRoutes(peers: readonly PeerView[]): Set<string> {
  const routes = peers.flatMap((peer) => peer.allowedIps).map(parseCidr);
  return new Set(
    routes.flatMap((route) => (route?.prefixLength === 0 ? [route.family === 4 ? '0.0.0.0/0' : '::/0'] : [])),
  );
}
