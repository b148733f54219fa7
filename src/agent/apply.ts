/**
 * From a changed list of peers to the least change of a running tunnel.
 *
 * What did not change is not mentioned, so its keypairs and its traffic go on. An endpoint is only set when the
 * registry's own value changed or the tunnel has none: a peer that roamed is known better by the tunnel. And while a
 * peer answers where it is, it stays there: the registry may have heard of it from a host that sees it elsewhere (a NAT that
 * maps every flow anew). Such a change is put off until the peer is silent.
 */
import { formatCidr, maskCidr, parseCidr } from '../ip.ts';
import type { PeerView } from '../registry/wire.ts';
import { withNextKeys } from './next-keys.ts';

/** A peer of the running tunnel. */
export interface PresentPeer {
  publicKey: string;
  endpoint: string | undefined;
  /** It completed a handshake so lately that its keypair is still good. */
  isAlive: boolean;
  /** Wall clock; 0 for never. */
  latestHandshakeMs: number;
  allowedIps: readonly string[];
  persistentKeepalive: number;
}

/** What is to change of one peer; what is absent stays. */
export interface PeerUpdate {
  publicKey: string;
  remove?: true;
  /** `host:port`, still to be resolved. */
  endpoint?: string;
  /** The whole set, to replace the old one at once. */
  allowedIps?: readonly string[];
  persistentKeepalive?: number;
}

export interface UpdatePlan {
  /** Removals come first, so that an address can move from a host that left to one that came. */
  updates: PeerUpdate[];
  /** What the tunnel is set to afterwards, the `before` of the next plan: `after`, with put off endpoints as they were. */
  applied: PeerView[];
}

export function planUpdates(input: {
  /** The list that the tunnel was last set to. Peers outside of it are the administrator's own and stay. */
  before: readonly PeerView[];
  after: readonly PeerView[];
  present: readonly PresentPeer[];
  /** Public keys that may be in the tunnel besides, from a change that ended half-way. */
  managed?: ReadonlySet<string>;
}): UpdatePlan {
  const present = new Map(input.present.map((peer) => [peer.publicKey, peer]));
  const before = new Map(input.before.map((peer) => [peer.publicKey, peer]));
  const after = new Set(input.after.map((peer) => peer.publicKey));
  const isGone = (key: string): boolean => present.has(key) && !after.has(key);
  const gone = input.before.filter((peer) => isGone(peer.publicKey));
  const leftovers = [...(input.managed ?? [])].filter((key) => isGone(key) && !before.has(key));
  const applied = input.after.map((peer) => {
    const known = before.get(peer.publicKey);
    const stays = known !== undefined && known.endpoint !== peer.endpoint && present.get(peer.publicKey)?.isAlive;
    return stays ? { ...peer, endpoint: known.endpoint } : peer;
  });
  // A host that changed its key is where it was.
  const leftBehind = new Map(gone.map((peer) => [peer.name, present.get(peer.publicKey)?.endpoint]));
  return {
    updates: [
      ...[...gone.map((peer) => peer.publicKey), ...leftovers].map((publicKey): PeerUpdate => ({
        publicKey,
        remove: true,
      })),
      ...applied.flatMap((peer) => {
        const known = present.get(peer.publicKey);
        const left = known?.endpoint === undefined ? leftBehind.get(peer.name) : undefined;
        const update = updatePeer(
          peer.endpoint === null && left !== undefined ? { ...peer, endpoint: left } : peer,
          before.get(peer.publicKey),
          known,
        );
        return update === undefined ? [] : [update];
      }),
    ],
    applied,
  };
}

/**
 * What an agent that has just started knows of a tunnel that was set to `list`, or should have been: an endpoint may have been put
 * off when the one before it ended. So none counts as set: each is, as soon as its peer is silent.
 */
export function afterRestart(list: readonly PeerView[]): PeerView[] {
  return withNextKeys(list, []).map((peer) => ({ ...peer, endpoint: null }));
}

/** Prefixes that came and went between two lists: what the routing table has to follow. */
export function planRoutes(
  before: readonly PeerView[],
  after: readonly PeerView[],
): { added: string[]; removed: string[] } {
  const old = prefixes(before.flatMap((peer) => peer.allowedIps));
  const now = prefixes(after.flatMap((peer) => peer.allowedIps));
  return { added: without(now, old), removed: without(old, now) };
}

function updatePeer(
  wanted: PeerView,
  before: PeerView | undefined,
  present: PresentPeer | undefined,
): PeerUpdate | undefined {
  const update: PeerUpdate = { publicKey: wanted.publicKey };
  const moved = before?.endpoint !== wanted.endpoint || present?.endpoint === undefined;
  if (wanted.endpoint !== null && moved && wanted.endpoint !== present?.endpoint) update.endpoint = wanted.endpoint;
  if (present === undefined || !samePrefixes(present.allowedIps, wanted.allowedIps))
    update.allowedIps = wanted.allowedIps;
  if ((present?.persistentKeepalive ?? 0) !== wanted.persistentKeepalive)
    update.persistentKeepalive = wanted.persistentKeepalive;
  return Object.keys(update).length > 1 ? update : undefined;
}

function samePrefixes(a: readonly string[], b: readonly string[]): boolean {
  const [one, other] = [prefixes(a), prefixes(b)];
  return one.size === other.size && without(one, other).length === 0;
}

function without(all: ReadonlySet<string>, unwanted: ReadonlySet<string>): string[] {
  return [...all].filter((prefix) => !unwanted.has(prefix));
}

/** Canonical, so that `fd00::0/64` and `fd00::/64` are one. */
function prefixes(texts: readonly string[]): Set<string> {
  return new Set(
    texts.flatMap((text) => {
      const prefix = parseCidr(text);
      return prefix === undefined ? [] : [formatCidr(maskCidr(prefix))];
    }),
  );
}
