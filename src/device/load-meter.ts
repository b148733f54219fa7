/**
 * "Under load" (section 5.3): when handshakes come in faster than a host should pay for, it asks for cookies.
 *
 * A handshake costs some hundred microseconds of curve arithmetic, so a hundred a second are a few percent of one core.
 * Once over the limit the state is kept for a second, or the messages that answer a cookie reply would meet a device
 * that changes its mind with every datagram.
 */
import type { MonotonicMs } from '../clock.ts';
import { TokenBucket } from './token-bucket.ts';

const AFFORDABLE = { perSecond: 100, burst: 128 };
const UNDER_LOAD_FOR_MS = 1_000;

export class LoadMeter {
  readonly #affordable = new TokenBucket(AFFORDABLE, 0);
  #underLoadUntil: MonotonicMs = -Infinity;

  /** Counts one handshake message that passed MAC1 and says whether the device is under load. */
  count(now: MonotonicMs): boolean {
    if (!this.#affordable.take(now)) this.#underLoadUntil = now + UNDER_LOAD_FOR_MS;
    return now < this.#underLoadUntil;
  }
}
