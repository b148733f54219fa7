/**
 * Exits: hosts that pass on what is for the rest of the world. A host offers it like a route, as `0.0.0.0/0` or `::/0`, and an
 * administrator approves it. It counts for those alone that have chosen this host; nobody else hears of it.
 */
import type { HostRecord, NetworkRecord } from '../store/port.ts';
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
