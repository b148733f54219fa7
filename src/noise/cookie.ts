/**
 * MAC1, MAC2 and cookies, sections 5.3, 5.4.4 and 5.4.7: how a host under load makes senders prove their address before
 * it computes for them, and stays silent to anybody who does not know its public key.
 *
 *   sender                                              receiver under load
 *   1. writeMacs            -- message, MAC1 -------->  2. verifyMac1, verifyMac2 fails
 *   4. consumeCookieReply   <-------- cookie reply --   3. createReply: a MAC of the sender's address and port
 *   5. writeMacs, cookie    -- message, MAC1, MAC2 -->  6. verifyMac1, verifyMac2
 */
import { equalBytes, wipe, writeUint16BE } from '../bytes.ts';
import type { MonotonicMs, RandomBytes } from '../clock.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { COOKIE_SECRET_LIFETIME_MS } from './constants.ts';
import type { RemoteStatic, StaticKeys } from './handshake.ts';
import {
  COOKIE_NONCE_BYTES,
  COOKIE_REPLY_BYTES,
  cookieReplyFields,
  macFields,
  newCookieReply,
  senderIndex,
} from './messages.ts';

const SECRET_BYTES = 32;

/** Where a message came from: what a cookie is bound to. An Endpoint is one. */
export interface CookieSource {
  readonly family: 4 | 6;
  /** The first 4 or 16 bytes count, by family. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** Fills the last 32 bytes of a handshake message. Without a cookie MAC2 is zero. `mac1Key` is the receiver's. */
export function writeMacs(crypto: CryptoProvider, message: Uint8Array, mac1Key: Uint8Array, cookie?: Uint8Array): void {
  const fields = macFields(message);
  fields.mac1.set(crypto.mac(mac1Key, fields.coveredByMac1));
  if (cookie === undefined) fields.mac2.fill(0);
  else fields.mac2.set(crypto.mac(cookie, fields.coveredByMac2));
}

/** A copy of a message's MAC1, to be kept for `consumeCookieReply`. */
export function mac1Of(message: Uint8Array): Uint8Array {
  return macFields(message).mac1.slice();
}

/** Whether the sender of this handshake message, of whose length the caller made sure, knew our public key. */
export function verifyMac1(crypto: CryptoProvider, local: StaticKeys, message: Uint8Array): boolean {
  const fields = macFields(message);
  return equalBytes(crypto.mac(local.mac1Key, fields.coveredByMac1), fields.mac1);
}

/** The receiver's side: owns the secret that cookies are made with, and changes it every two minutes. */
export class CookieChecker {
  readonly #crypto: CryptoProvider;
  readonly #random: RandomBytes;
  #secret: Uint8Array = new Uint8Array(0);
  #secretExpires: MonotonicMs = -Infinity;

  constructor(crypto: CryptoProvider, random: RandomBytes) {
    this.#crypto = crypto;
    this.#random = random;
  }

  /** Whether the sender holds the cookie of the address and port that this message came from. */
  verifyMac2(message: Uint8Array, from: CookieSource, now: MonotonicMs): boolean {
    if (now >= this.#secretExpires) return false;
    const fields = macFields(message);
    const cookie = this.#cookie(from);
    return equalBytes(this.#crypto.mac(cookie, fields.coveredByMac2), fields.mac2);
  }

  /** The answer to a handshake message with a right MAC1: the cookie of its source, encrypted. */
  createReply(local: StaticKeys, message: Uint8Array, from: CookieSource, now: MonotonicMs): Uint8Array {
    if (now >= this.#secretExpires) this.#changeSecret(now);
    const reply = newCookieReply(senderIndex(message));
    const fields = cookieReplyFields(reply);
    fields.nonce.set(this.#random(COOKIE_NONCE_BYTES));
    fields.sealedCookie.set(
      this.#crypto.xsealWith(local.cookieKey, fields.nonce, this.#cookie(from), macFields(message).mac1),
    );
    return reply;
  }

  /** Erases the secret; cookies made so far are refused. */
  destroy(): void {
    wipe(this.#secret);
    this.#secretExpires = -Infinity;
  }

  #changeSecret(now: MonotonicMs): void {
    wipe(this.#secret);
    this.#secret = this.#random(SECRET_BYTES);
    this.#secretExpires = now + COOKIE_SECRET_LIFETIME_MS;
  }

  /** Address and port: a cookie without the port would be good for everybody behind the same NAT. */
  #cookie(from: CookieSource): Uint8Array {
    const addressBytes = from.family === 4 ? 4 : 16;
    const source = new Uint8Array(addressBytes + 2);
    source.set(from.address.subarray(0, addressBytes));
    writeUint16BE(source, addressBytes, from.port);
    return this.#crypto.mac(this.#secret, source);
  }
}

/**
 * The sender's side: the cookie (16 bytes) in a reply to the message whose MAC1 was `lastMac1`, or undefined.
 * Good for COOKIE_SECRET_LIFETIME_MS less COOKIE_LATENCY_MS.
 */
export function consumeCookieReply(
  crypto: CryptoProvider,
  remote: RemoteStatic,
  message: Uint8Array,
  lastMac1: Uint8Array,
): Uint8Array | undefined {
  if (message.length !== COOKIE_REPLY_BYTES) return undefined;
  const fields = cookieReplyFields(message);
  return crypto.xopenWith(remote.cookieKey, fields.nonce, fields.sealedCookie, lastMac1);
}
