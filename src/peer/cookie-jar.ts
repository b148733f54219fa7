/** The initiator's half of section 5.3: the cookie that a peer under load gave us, and the MAC1 that it has to answer. */
import { wipe } from '../bytes.ts';
import type { MonotonicMs } from '../clock.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { COOKIE_LATENCY_MS, COOKIE_SECRET_LIFETIME_MS } from '../noise/constants.ts';
import { consumeCookieReply, mac1Of, writeMacs } from '../noise/cookie.ts';
import type { RemoteStatic } from '../noise/handshake.ts';

export class CookieJar {
  #lastMac1: Uint8Array | undefined;
  #cookie: Uint8Array | undefined;
  #expires: MonotonicMs = -Infinity;

  /** Fills MAC1, and MAC2 while there is a fresh cookie. */
  writeMacs(crypto: CryptoProvider, remote: RemoteStatic, message: Uint8Array, now: MonotonicMs): void {
    writeMacs(crypto, message, remote.mac1Key, now < this.#expires ? this.#cookie : undefined);
    this.#lastMac1 = mac1Of(message);
  }

  /** Keeps the cookie of a reply to the latest message; false when it is not one. Each message is answered once. */
  consumeReply(crypto: CryptoProvider, remote: RemoteStatic, reply: Uint8Array, now: MonotonicMs): boolean {
    if (this.#lastMac1 === undefined) return false;
    const cookie = consumeCookieReply(crypto, remote, reply, this.#lastMac1);
    if (cookie === undefined) return false;
    this.#lastMac1 = undefined;
    this.#cookie = cookie;
    this.#expires = now + COOKIE_SECRET_LIFETIME_MS - COOKIE_LATENCY_MS;
    return true;
  }

  clear(): void {
    if (this.#cookie !== undefined) wipe(this.#cookie);
    this.#cookie = undefined;
    this.#lastMac1 = undefined;
    this.#expires = -Infinity;
  }
}
