/**
 * XChaCha20-Poly1305 of noble, for cookie replies, apart from the rest of noble: the providers that have everything else take it from
 * here, and a daemon does not load curves that it never uses.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expectBytes } from '../errors.ts';
import { type CryptoProvider, TAG_BYTES } from './port.ts';

const NONCE_BYTES = 24;

export const xsealWith: CryptoProvider['xsealWith'] = (key, nonce, plaintext, additionalData) => {
  expectBytes('nonce', nonce, NONCE_BYTES);
  return xchacha20poly1305(key, nonce, additionalData).encrypt(plaintext);
};

export const xopenWith: CryptoProvider['xopenWith'] = (key, nonce, sealed, additionalData) => {
  expectBytes('nonce', nonce, NONCE_BYTES);
  return openOrRefuse(xchacha20poly1305(key, nonce, additionalData), sealed);
};

interface Opener {
  decrypt(sealed: Uint8Array, output?: Uint8Array): Uint8Array;
}

/** noble compares the tag before it decrypts, so a refused message leaves nothing behind. */
export function openOrRefuse(cipher: Opener, sealed: Uint8Array, output?: Uint8Array): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  return valueUnlessThrown(() => cipher.decrypt(sealed, output));
}

/** noble reports refused input by throwing; here a hostile message is a value. */
export function valueUnlessThrown<Value>(compute: () => Value): Value | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
