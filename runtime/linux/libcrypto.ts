/**
 * OpenSSL's libcrypto, 3.0 or later, as this folder calls it: public functions only, each with a manual page of its name.
 */
import type { Ffi, FfiFunction, FfiSignature, Handle } from './ffi.ts';
import { Memory } from './memory.ts';

const SYMBOLS = {
  ERR_clear_error: ['v', ''],
  EVP_CIPHER_fetch: ['p', 'ppp'],
  EVP_CIPHER_CTX_new: ['p', ''],
  EVP_CIPHER_CTX_free: ['v', 'p'],
  EVP_CIPHER_CTX_ctrl: ['i', 'piip'],
  EVP_CipherInit_ex: ['i', 'pppppi'],
  EVP_CipherUpdate: ['i', 'ppppi'],
  EVP_CipherFinal_ex: ['i', 'ppp'],
  EVP_MD_fetch: ['p', 'ppp'],
  EVP_Digest: ['i', 'pzpppp'],
  EVP_MAC_fetch: ['p', 'ppp'],
  EVP_MAC_CTX_new: ['p', 'p'],
  EVP_MAC_CTX_free: ['v', 'p'],
  EVP_MAC_init: ['i', 'ppzp'],
  EVP_MAC_update: ['i', 'ppz'],
  EVP_MAC_final: ['i', 'pppz'],
  EVP_PKEY_CTX_new_from_name: ['p', 'ppp'],
  EVP_PKEY_fromdata_init: ['i', 'p'],
  EVP_PKEY_fromdata: ['i', 'ppip'],
  EVP_PKEY_new_raw_private_key: ['p', 'ippz'],
  EVP_PKEY_new_raw_public_key: ['p', 'ippz'],
  EVP_PKEY_get_raw_public_key: ['i', 'ppp'],
  EVP_PKEY_free: ['v', 'p'],
  EVP_PKEY_CTX_new: ['p', 'pp'],
  EVP_PKEY_CTX_free: ['v', 'p'],
  EVP_PKEY_derive_init: ['i', 'p'],
  EVP_PKEY_derive_set_peer: ['i', 'pp'],
  EVP_PKEY_derive: ['i', 'ppp'],
} as const satisfies Record<string, FfiSignature>;

export type Libcrypto = Readonly<Record<keyof typeof SYMBOLS, FfiFunction>>;

/** Throws when the library or one of the functions is missing. */
export function loadLibcrypto(ffi: Ffi): Libcrypto {
  return ffi.load('libcrypto', SYMBOLS);
}

/** evp.h */
export const EVP_CTRL_AEAD_GET_TAG = 0x10;
export const EVP_CTRL_AEAD_SET_TAG = 0x11;
/** obj_mac.h: NID_X25519. */
export const EVP_PKEY_X25519 = 1034;
/** evp.h: EVP_PKEY_KEYPAIR. */
export const EVP_PKEY_KEYPAIR = 0x87;

/** An algorithm by its name, looked up once: each look-up takes locks and compares strings. */
export function fetchAlgorithm(ffi: Ffi, fetch: FfiFunction, name: string): Handle {
  const text = new Memory(ffi, 128);
  text.setText(0, name);
  return made(ffi, fetch(ffi.handle(0), text.at(0), ffi.handle(0)));
}

/** The object at a returned address. Throws at NULL: no memory is left, or this build lacks the primitive. */
export function made(ffi: Ffi, address: number): Handle {
  if (address === 0) throw new Error('OpenSSL could not make what it was asked for.');
  return ffi.handle(address);
}

/** Throws unless `result` is 1. For calls that no peer's bytes can make fail. */
export function succeed(result: number): void {
  if (result !== 1) throw new Error('OpenSSL failed where only a fault of this program can make it fail.');
}
