/**
 * Exits: hosts that pass on what is for the rest of the world. A host offers it like a route, as `0.0.0.0/0` or `::/0`, and an
 * administrator approves it. It counts for those alone that have chosen this host; nobody else hears of it.
 *
 * One that is gone stays chosen, and closed: in the configuration of who chose it, its default routes lead nowhere, until that host or an
 * administrator chooses again.
 */
import { DEAD_END_KEY, DEAD_END_NAME } from '../../config/dead-end.ts';
import { routesOfGoneExit, type HostRecord, type NetworkRecord } from '../store/port.ts';
import type { PeerView } from '../wire.ts';
import { done, refuse, type Result } from './result.ts';
import { isPresent, sees } from './sight.ts';
import { isExitRoute, trusted } from './subnets.ts';

/** The id of the exit of this name, for a host with these tags. The same refusal for what there is not and what it may not see. */
export function findExit(
  name: string,
  { tags, id }: Pick<HostRecord, 'tags'> & { id?: string },
  { rules }: NetworkRecord,
  others: readonly HostRecord[],
): Result<string> {
  const exit = others.find((other) => other.name === name);
  const isOffered = exit?.routes.some((route) => isExitRoute(trusted(route))) === true;
  if (exit !== undefined && isOffered && exit.id !== id && isPresent(exit) && sees(tags, exit.tags, rules))
    return done(exit.id);
  return refuse(
    'no-such-exit',
    `There is no exit ${name} for this host. An exit offers the route 0.0.0.0/0 or ::/0, and an administrator approves it.`,
    '/exit',
  );
}

/** What of the routes of `other` counts for `host`. */
export function routesFor(host: HostRecord, other: HostRecord): string[] {
  return other.routes.filter((route) => other.id === host.exitHostId || !isExitRoute(trusted(route)));
}

/** The name of the exit that the host uses now; null while it uses none. */
export function exitOf(host: HostRecord, { rules }: NetworkRecord, others: readonly HostRecord[]): string | null {
  const exit = others.find((other) => other.id === host.exitHostId);
  return exit !== undefined && isPresent(exit) && sees(host.tags, exit.tags, rules) ? exit.name : null;
}

/** `peers` as the host sees them, and one that nobody is when its exit is gone or offers no default route any more. */
export function withClosedExit(
  host: HostRecord,
  peers: readonly PeerView[],
  others: readonly HostRecord[],
): readonly PeerView[] {
  const isOffered = peers.some((peer) => peer.allowedIps.some((route) => route.endsWith('/0')));
  if (host.exitHostId === null || isOffered) return peers;
  const offered = routesOfGoneExit(host.exitHostId) ?? exitRoutesOf(others.find(({ id }) => id === host.exitHostId));
  // What it offered once nobody knows any more: what the host has addresses for would have had to go through it.
  const closed =
    offered.length > 0 ? offered : host.addresses.map((text) => (text.includes(':') ? '::/0' : '0.0.0.0/0'));
  let name: string = DEAD_END_NAME;
  while (name === host.name || peers.some((peer) => peer.name === name)) name += '-0';
  const allowedIps = [...new Set(closed)];
  return [...peers, { name, publicKey: DEAD_END_KEY, endpoint: null, allowedIps, persistentKeepalive: 0 }];
}

function exitRoutesOf(exit: HostRecord | undefined): string[] {
  return exit === undefined ? [] : exit.routes.filter((route) => isExitRoute(trusted(route)));
}
