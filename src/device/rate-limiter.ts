/**
 * Handshakes per source address (section 5.3), counted per IPv4 address and per IPv6 /64,
 * the smallest block that one customer has. One address that floods never takes another's share.
 *
 * The table is bounded. A bucket that is full again equals an absent one, so the least recently used are swept out as
 * soon as they are; no timer is needed. While the table is full of busy addresses, new ones are refused.
 */
import { readUint32LE } from '../bytes.ts';
import type { MonotonicMs } from '../clock.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import { TokenBucket } from './token-bucket.ts';

/** The paper names no numbers: these are the kernel module's and wireguard-go's. */
const HANDSHAKES_PER_ADDRESS = { perSecond: 20, burst: 5 };
export const MAX_ADDRESSES = 16_384;

export class RateLimiter {
  /** Least recently used first: a Map keeps the order of insertion. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** Whether one more handshake message from this address is to be looked at. */
  allow(from: Endpoint, now: MonotonicMs): boolean {
    this.#sweep(now);
    const key = bucketKey(from);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_ADDRESSES) return false;
      bucket = new TokenBucket(HANDSHAKES_PER_ADDRESS, now);
    } else {
      this.#buckets.delete(key);
    }
    this.#buckets.set(key, bucket);
    return bucket.take(now);
  }

  /** Addresses in the table. */
  get size(): number {
    return this.#buckets.size;
  }

  #sweep(now: MonotonicMs): void {
    for (const [key, bucket] of this.#buckets) {
      if (!bucket.isFull(now)) return;
      this.#buckets.delete(key);
    }
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 address; the two never look alike. */
function bucketKey({ family, address }: Endpoint): string {
  const first = readUint32LE(address, 0);
  return family === 4 ? `${first}` : `${first}:${readUint32LE(address, 4)}`;
}
