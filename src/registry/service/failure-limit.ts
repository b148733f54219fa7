/**
 * Slows down who guesses: after a few refused credentials, an address is told to come back later. A good credential is
 * taken at any time, because many hosts may share an address, and one of them could otherwise lock the others out.
 *
 * Kept in memory, and bounded: a flood from many addresses costs the oldest entries and nothing else.
 */
import type { WallMs } from '../../clock.ts';
import { formatAddress, parseAddress, unmapAddress } from '../../ip.ts';

const WINDOW_MS = 60_000;
const FAILURES_PER_WINDOW = 30;
const MAX_ADDRESSES = 10_000;

export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until: WallMs }>();

  /** Milliseconds that the address should wait before it tries again; 0 while it has not failed too often. */
  countFailure(address: string, now: WallMs): number {
    const client = clientOf(address);
    const entry = this.#failures.get(client);
    if (entry !== undefined && entry.until > now) return ++entry.count > FAILURES_PER_WINDOW ? entry.until - now : 0;
    this.#failures.delete(client); // put at the end: the order of insertion is the order of forgetting
    this.#failures.set(client, { count: 1, until: now + WINDOW_MS });
    if (this.#failures.size > MAX_ADDRESSES) {
      const [oldest] = this.#failures.keys();
      this.#failures.delete(oldest!); // there are thousands
    }
    return 0;
  }
}

/** Whoever has one IPv6 address has its whole /64; but a socket for both families shows IPv4 clients as `::ffff:192.0.2.1`. */
export function clientOf(address: string): string {
  const parsed = parseAddress(address);
  if (parsed === undefined) return address;
  const client = unmapAddress(parsed);
  return client.family === 4 ? formatAddress(client) : client.bytes.subarray(0, 8).join('.');
}
