/**
 * What a host believes of the prefixes in a list of peers.
 *
 * A registry hands out addresses and routes inside a network. It has no say over a host's default route: one that was broken
 * into, or somebody on the path to it, could otherwise draw all of the host's traffic to a peer. Two rules, and neither looks
 * at the past, so that a list and the sum of its differences are the same list:
 *
 * 1. A prefix that is shorter than a /8 of IPv4 or a /16 of IPv6 is left out: it is a default route, or a half of one. But the
 *    default routes of the one peer that this host itself has chosen as its exit stay: `peerage exit`.
 * 2. A list whose prefixes outside of the private ranges come to more than one such prefix is refused as a whole: it is a
 *    default route in many parts. Public subnets behind a few offices stay far below.
 */
import { isPrivate, parseCidr, type Cidr, type IpFamily } from '../ip.ts';
import type { PeerView } from '../registry/wire.ts';

/** 10.0.0.0/8 is the widest private range that anyone routes, and a /16 of IPv6 more than any registry of addresses gave away. */
const SHORTEST_PREFIX: Readonly<Record<IpFamily, number>> = { 4: 8, 6: 16 };

export function isTooWide(prefix: Cidr | undefined): boolean {
  return prefix !== undefined && prefix.prefixLength < SHORTEST_PREFIX[prefix.family];
}

/** Stands for the name of any exit: for a list that is going to be read by `withoutWideRoutes` once more. No host is called so. */
export const ANY_EXIT = '*';

/** The peer without what is no prefix or too wide; the very same object when there is none. `exit`: the name that this host chose. */
export function withoutWideRoutes(peer: PeerView, exit: string | undefined): PeerView {
  const allowedIps = peer.allowedIps.filter((text) => {
    const prefix = parseCidr(text);
    if (prefix?.prefixLength === 0) return exit === ANY_EXIT || peer.name === exit;
    return prefix !== undefined && !isTooWide(prefix);
  });
  return allowedIps.length === peer.allowedIps.length ? peer : { ...peer, allowedIps };
}

/** Whether the peers together would draw so much of the public Internet that no network of hosts explains it; besides the exit. */
export function drawTooMuch(peers: readonly PeerView[]): boolean {
  const shares: Record<IpFamily, number> = { 4: 0, 6: 0 };
  for (const text of peers.flatMap((peer) => peer.allowedIps)) {
    const prefix = parseCidr(text);
    if (prefix !== undefined && prefix.prefixLength > 0 && !isPrivate(prefix))
      shares[prefix.family] += 2 ** -prefix.prefixLength;
  }
  return ([4, 6] as const).some((family) => shares[family] > 2 ** -SHORTEST_PREFIX[family]);
}
