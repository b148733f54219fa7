/**
 * Exits: hosts that pass on what is for the rest of the world. A host offers it like a route, as `0.0.0.0/0` or `::/0`, and an
 * administrator approves it. It counts for those alone that have chosen this host; nobody else hears of it.
 *
 * One that is gone stays chosen, and closed: in the configuration of who chose it, its default routes lead nowhere, until that host or an
 * administrator chooses again. So does one of two that the exit takes back.
 */
import { DEAD_END_KEY, DEAD_END_NAME } from '../../config/dead-end.ts';
import { readChosenExit, type HostRecord, type NetworkRecord } from '../store/port.ts';
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

/** The id of the exit that the host has chosen, if it is not known to be gone. */
export function exitIdOf({ exitHostId }: Pick<HostRecord, 'exitHostId'>): string | undefined {
  return readChosenExit(exitHostId)?.id;
}

/** What of the routes of `other` counts for who has chosen the exit of this id. */
export function routesFor(exitId: string | undefined, other: HostRecord): string[] {
  return other.routes.filter((route) => other.id === exitId || !isExitRoute(trusted(route)));
}

/** The name of the exit that the host uses now; null while it uses none. */
export function exitOf(host: HostRecord, { rules }: NetworkRecord, others: readonly HostRecord[]): string | null {
  const exit = findById(exitIdOf(host), others);
  return exit !== undefined && isUsable(host, exit, rules) ? exit.name : null;
}

/** The name of the exit that the host has chosen, also when it is gone; null when there is none, or nobody knows any more. `exit`: by `exitIdOf`. */
export function chosenExitOf(host: HostRecord, exit: HostRecord | undefined): string | null {
  return exit?.name ?? readChosenExit(host.exitHostId)?.name ?? null;
}

/**
 * The default routes that the host's exit has offered, and that lead nowhere now, because it is gone, out of sight or offers them no more.
 * `exit`: by `exitIdOf`.
 */
export function closedRoutes(
  host: HostRecord,
  exit: HostRecord | undefined,
  rules: NetworkRecord['rules'],
): readonly string[] {
  const chosen = readChosenExit(host.exitHostId);
  if (chosen === undefined) return [];
  const offered = exit?.routes.filter((route) => isExitRoute(trusted(route))) ?? [];
  const known = new Set([...chosen.withdrawn, ...offered]);
  // What it offered once nobody knows any more: what the host has addresses for would have had to go through it.
  if (known.size === 0) return [...new Set(host.addresses.map((text) => (text.includes(':') ? '::/0' : '0.0.0.0/0')))];
  const inUse = exit !== undefined && isUsable(host, exit, rules) ? offered : [];
  return [...known].filter((route) => !inUse.includes(route)).sort();
}

/** `peers` as the host sees them, and one that nobody is when its exit is gone, or offers a default route no more. */
export function withClosedExit(
  host: HostRecord,
  peers: readonly PeerView[],
  { others, rules }: { others: readonly HostRecord[]; rules: NetworkRecord['rules'] },
): readonly PeerView[] {
  const allowedIps = [...closedRoutes(host, findById(exitIdOf(host), others), rules)];
  if (allowedIps.length === 0) return peers;
  let name: string = DEAD_END_NAME;
  while (name === host.name || peers.some((peer) => peer.name === name)) name += '-0';
  return [...peers, { name, publicKey: DEAD_END_KEY, endpoint: null, allowedIps, persistentKeepalive: 0 }];
}

function isUsable(host: HostRecord, exit: HostRecord, rules: NetworkRecord['rules']): boolean {
  return isPresent(exit) && sees(host.tags, exit.tags, rules);
}

function findById(id: string | undefined, hosts: readonly HostRecord[]): HostRecord | undefined {
  return id === undefined ? undefined : hosts.find((host) => host.id === id);
}
