/** Addresses that an administrator asks for, instead of letting them be drawn. */
import { containsAddress, formatAddress, isReservedAddress, parseAddress } from '../../ip.ts';
import type { NetworkRecord } from '../store/port.ts';
import { done, refuse, type Result } from './result.ts';
import { trusted } from './subnets.ts';

/** By the range of the network that each is of: one of each range at most. */
export function parseAddresses(texts: readonly string[], network: NetworkRecord): Result<ReadonlyMap<string, string>> {
  const byRange = new Map<string, string>();
  for (const [i, text] of texts.entries()) {
    const pointer = `/addresses/${i}`;
    const address = parseAddress(text);
    if (address === undefined) return refuse('invalid', `${text} is no IP address.`, pointer);
    const range = network.ranges.find((range) => containsAddress(trusted(range), address));
    if (range === undefined)
      return refuse('invalid', `${text} is in no range of the network ${network.name}.`, pointer);
    if (isReservedAddress(trusted(range), address))
      return refuse('invalid', `${text} is the first or the last of ${range}, which no host may have.`, pointer);
    if (byRange.has(range)) return refuse('invalid', `${text} is the second address in ${range}.`, pointer);
    byRange.set(range, formatAddress(address));
  }
  return done(byRange);
}
