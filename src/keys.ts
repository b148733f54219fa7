/**
 * Curve25519 keys and preshared keys as wg(8) writes them: 32 bytes, 44 characters of base64.
 *
 * The brands say that the length was checked at the edge; inside, keys are trusted.
 */
import { decodeBase64, decodeHex, encodeBase64, encodeHex, isZero } from './bytes.ts';
import type { RandomBytes } from './clock.ts';

export const KEY_BYTES = 32;

declare const publicKeyBrand: unique symbol;
declare const privateKeyBrand: unique symbol;
declare const presharedKeyBrand: unique symbol;

export type PublicKey = Uint8Array & { readonly [publicKeyBrand]: true };
export type PrivateKey = Uint8Array & { readonly [privateKeyBrand]: true };
export type PresharedKey = Uint8Array & { readonly [presharedKeyBrand]: true };
export type Key = PublicKey | PrivateKey | PresharedKey;

/** A key from 44 characters of base64, or undefined. */
export const parsePublicKey = fromBase64 as (text: string) => PublicKey | undefined; // the length is what the brand asserts
export const parsePrivateKey = fromBase64 as (text: string) => PrivateKey | undefined;
export const parsePresharedKey = fromBase64 as (text: string) => PresharedKey | undefined;

/** A key from 64 hexadecimal digits, as the UAPI writes it, or undefined. */
export const parsePublicKeyHex = fromHex as (text: string) => PublicKey | undefined;
export const parsePrivateKeyHex = fromHex as (text: string) => PrivateKey | undefined;
export const parsePresharedKeyHex = fromHex as (text: string) => PresharedKey | undefined;

export function formatKey(key: Key): string {
  return encodeBase64(key);
}

export function formatKeyHex(key: Key): string {
  return encodeHex(key);
}

/** A private key, clamped as RFC 7748 section 5 says. */
export function generatePrivateKey(random: RandomBytes): PrivateKey {
  const key = random(KEY_BYTES) as PrivateKey; // 32 bytes by construction
  clampPrivateKey(key);
  return key;
}

/** In place. X25519 ignores the bits that are set here, so the public key is the same. */
export function clampPrivateKey(key: PrivateKey): void {
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
}

export function generatePresharedKey(random: RandomBytes): PresharedKey {
  return random(KEY_BYTES) as PresharedKey; // 32 bytes by construction
}

/** All zero bytes stand for "no key" in the UAPI and for "no preshared key" in the handshake. */
export function isNoKey(key: Key): boolean {
  return isZero(key);
}

function fromBase64(text: string): Uint8Array | undefined {
  // 44 characters without padding, or with two of it, are other lengths.
  const bytes = text.length === 44 ? decodeBase64(text) : undefined;
  return bytes?.length === KEY_BYTES ? bytes : undefined;
}

function fromHex(text: string): Uint8Array | undefined {
  return text.length === 2 * KEY_BYTES ? decodeHex(text) : undefined;
}
