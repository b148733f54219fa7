/** Routes: the subnets behind a host. Every one belongs to one host only, or packets could go to the wrong one. */
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
    const twice = subnets.find((other) => overlaps(other, masked));
    if (twice !== undefined)
      return refuse('invalid', `${text} overlaps ${formatCidr(twice)} of the same list.`, `${pointer}/${i}`);
    subnets.push(masked);
  }
  return done(subnets);
}

/** Whether each lies inside one of the subnets that the token allows. */
export function areAllowed(subnets: readonly Cidr[], allowed: readonly string[]): Result<undefined> {
  for (const [i, subnet] of subnets.entries())
    if (!allowed.some((text) => containsAddress(trusted(text), subnet)))
      return refuse(
        'route-not-allowed',
        `The token does not allow the route ${formatCidr(subnet)}. Ask an administrator for a token with this route, or enrol without it.`,
        `/routes/${i}`,
      );
  return done(undefined);
}

/** Refuses a route into the network's own ranges, or one that another host has. */
export function areFree(
  subnets: readonly Cidr[],
  network: NetworkRecord,
  others: readonly HostRecord[],
): Result<undefined> {
  for (const [i, subnet] of subnets.entries()) {
    const range = network.ranges.find((text) => overlaps(trusted(text), subnet));
    if (range !== undefined)
      return refuse('route-overlap', `${formatCidr(subnet)} overlaps ${range} of the network itself.`, `/routes/${i}`);
    if (others.some((other) => other.routes.some((text) => overlaps(trusted(text), subnet))))
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
