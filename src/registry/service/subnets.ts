/**
 * Routes: the subnets behind a host. Every one belongs to one host only, or packets could go to the wrong one. The two default
 * routes are what an exit offers: several hosts may, since they count only for a host that has chosen one of them.
 */
import { containsAddress, formatCidr, maskCidr, overlaps, parseCidr, type Cidr } from '../../ip.ts';
import type { HostRecord, NetworkRecord } from '../store/port.ts';
import { done, refuse, type Result } from './result.ts';

/** Well-formed, without host bits, and without overlaps among themselves. */
export function parseSubnets(texts: readonly string[], pointer: string): Result<Cidr[]> {
  const subnets: Cidr[] = [];
  for (const [i, text] of texts.entries()) {
    const subnet = parseCidr(text);
    if (subnet === undefined) return refuse('invalid', `${text} is no range of IP addresses.`, `${pointer}/${i}`);
    const masked = maskCidr(subnet);
    if (formatCidr(masked) !== formatCidr(subnet))
      return refuse('invalid', `${text} is an address in ${formatCidr(masked)}: name the subnet.`, `${pointer}/${i}`);
    const twice = subnets.find((other) => isExitRoute(other) === isExitRoute(masked) && overlaps(other, masked));
    if (twice !== undefined)
      return refuse('invalid', `${text} overlaps ${formatCidr(twice)} of the same list.`, `${pointer}/${i}`);
    subnets.push(masked);
  }
  return done(subnets);
}

/** Those that lie inside of what is allowed, and the others. That a host may be an exit allows it no subnet. */
export function divide(subnets: readonly Cidr[], allowed: readonly string[]): { allowed: Cidr[]; others: Cidr[] } {
  const isAllowed = (subnet: Cidr): boolean =>
    allowed.map(trusted).some((word) => isExitRoute(word) === isExitRoute(subnet) && containsAddress(word, subnet));
  return { allowed: subnets.filter(isAllowed), others: subnets.filter((subnet) => !isAllowed(subnet)) };
}

/** `0.0.0.0/0` or `::/0`. */
export function isExitRoute(subnet: Cidr): boolean {
  return subnet.prefixLength === 0;
}

/** Refuses a route into the network's own ranges, or one that another host has. */
export function areFree(
  subnets: readonly Cidr[],
  network: NetworkRecord,
  others: readonly HostRecord[],
): Result<undefined> {
  for (const [i, subnet] of subnets.entries()) {
    if (isExitRoute(subnet)) continue;
    const range = network.ranges.find((text) => overlaps(trusted(text), subnet));
    if (range !== undefined)
      return refuse('route-overlap', `${formatCidr(subnet)} overlaps ${range} of the network itself.`, `/routes/${i}`);
    const taken = others.flatMap((other) => other.routes.map(trusted)).filter((route) => !isExitRoute(route));
    if (taken.some((route) => overlaps(route, subnet)))
      return refuse(
        'route-overlap',
        `${formatCidr(subnet)} overlaps a route of another host. Declare a smaller subnet, or ask an administrator to take the route from the other.`,
        `/routes/${i}`,
      );
  }
  return done(undefined);
}

/** What the store holds was parsed before it went in. */
export function trusted(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new TypeError(`the store holds a range that is none: ${text}`);
  return parsed;
}
