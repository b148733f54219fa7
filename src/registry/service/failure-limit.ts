/**
 * Slows down who guesses: after a few refused credentials, an address is not listened to for a while. Kept in memory, and
 * bounded, so that a flood from many addresses costs the oldest entries and nothing else.
 */
import type { WallMs } from '../../clock.ts';
import { parseAddress } from '../../ip.ts';

const WINDOW_MS = 60_000;
const FAILURES_PER_WINDOW = 30;
const MAX_ADDRESSES = 10_000;

export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until: WallMs }>();

  /** Milliseconds until this address is listened to again; 0 when it is. */
  blockedForMs(address: string, now: WallMs): number {
    const entry = this.#failures.get(clientOf(address));
    if (entry === undefined || entry.count < FAILURES_PER_WINDOW) return 0;
    return Math.max(0, entry.until - now);
  }

  countFailure(address: string, now: WallMs): void {
    const client = clientOf(address);
    const entry = this.#failures.get(client);
    if (entry !== undefined && entry.until > now) {
      entry.count++;
      return;
    }
    this.#failures.delete(client); // put at the end: the order of insertion is the order of forgetting
    this.#failures.set(client, { count: 1, until: now + WINDOW_MS });
    if (this.#failures.size > MAX_ADDRESSES) {
      const [oldest] = this.#failures.keys();
      this.#failures.delete(oldest!); // there are thousands
    }
  }
}

/** Whoever has one IPv6 address has its whole /64. */
function clientOf(address: string): string {
  const parsed = parseAddress(address);
  if (parsed?.family !== 6) return address;
  return parsed.bytes.subarray(0, 8).join('.');
}
