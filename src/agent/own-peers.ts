/**
 * Peers that the administrator of this host set up by hand, beside those of the registry. They win: whoever is a member of the network
 * chooses its own key and asks for routes, and could otherwise take over a key or a prefix that was given to somebody else here.
 */
import { containsAddress, equalAddresses, maskCidr, parseCidr, type Cidr } from '../ip.ts';
import type { PeerView } from '../registry/wire.ts';
import { isTooWide } from './credible-routes.ts';

/** A peer of the file or the tunnel that no list of the registry put there. */
export interface OwnPeer {
  publicKey: string;
  allowedIps: readonly Cidr[];
}

export interface Shadowed {
  peers: readonly PeerView[];
  /** What was left out, and why, as sentences for a person. */
  notes: string[];
}

/** What of the registry's list is left for this host. `addresses`: those of the interface. */
export function withoutOwnPeers(
  listed: readonly PeerView[],
  own: readonly OwnPeer[],
  addresses: readonly string[],
): Shadowed {
  if (own.length === 0) return { peers: listed, notes: [] };
  const keys = new Set(own.map((peer) => peer.publicKey));
  const claims = own.flatMap((peer) => peer.allowedIps.map(maskCidr));
  const ranges = addresses.flatMap((text) => parseCidr(text) ?? []).map(maskCidr);
  const notes: string[] = [];
  const peers = listed.flatMap((peer) => {
    if (keys.has(peer.publicKey)) {
      notes.push(`${peer.name} is left out: a peer of your own has its key`);
      return [];
    }
    const taken = peer.allowedIps.filter((text) => isTaken(parseCidr(text), claims, ranges));
    if (taken.length > 0) notes.push(`${taken.join(', ')} of ${peer.name} stays with a peer of your own`);
    const hasTakenKey = peer.nextPublicKey !== undefined && keys.has(peer.nextPublicKey);
    if (hasTakenKey) notes.push(`the next key of ${peer.name} is not taken: a peer of your own has it`);
    if (taken.length === 0 && !hasTakenKey) return [peer];
    const { nextPublicKey, ...rest } = peer;
    return [
      {
        ...rest,
        ...(nextPublicKey === undefined || hasTakenKey ? {} : { nextPublicKey }),
        allowedIps: peer.allowedIps.filter((text) => !taken.includes(text)),
      },
    ];
  });
  return { peers, notes };
}

/**
 * A claim counts for all that lies in it: a part would draw traffic from it. But one that is as wide as the network itself, or a
 * default route, is there for what nobody else has.
 */
function isTaken(prefix: Cidr | undefined, claims: readonly Cidr[], ranges: readonly Cidr[]): boolean {
  if (prefix === undefined) return false;
  const range = ranges.find((outer) => containsAddress(outer, prefix));
  return claims.some((claim) => {
    if (claim.prefixLength === prefix.prefixLength && equalAddresses(claim, maskCidr(prefix))) return true;
    if (isTooWide(claim) || (range !== undefined && containsAddress(claim, range))) return false;
    return containsAddress(claim, prefix);
  });
}
