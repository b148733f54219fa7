/** OpenSSL's libcrypto as the workers call it: addresses only, and the few functions of the path of a packet. */
import type { Ffi, FfiFunction, FfiSignature } from '../ffi.ts';

export { EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG, fetchAlgorithm, made } from '../libcrypto.ts';

const SYMBOLS = {
  ERR_clear_error: ['v', ''],
  EVP_CIPHER_fetch: ['p', 'ppp'],
  EVP_CIPHER_CTX_new: ['p', ''],
  EVP_CIPHER_CTX_free: ['v', 'p'],
  EVP_CIPHER_CTX_ctrl: ['i', 'piip'],
  EVP_CipherInit_ex: ['i', 'pppppi'],
  EVP_CipherUpdate: ['i', 'ppppi'],
  EVP_CipherFinal_ex: ['i', 'ppp'],
  EVP_EncryptInit: ['i', 'pppp'],
  EVP_Cipher: ['i', 'pppi'],
  EVP_MAC_fetch: ['p', 'ppp'],
  EVP_MAC_CTX_new: ['p', 'p'],
  EVP_MAC_init: ['i', 'ppzp'],
  EVP_MAC_update: ['i', 'ppz'],
  EVP_MAC_final: ['i', 'pppz'],
} as const satisfies Record<string, FfiSignature>;

/** What implements them: public names in OpenSSL's objects, which only those programs export that have them inside. */
const DIRECT_SYMBOLS = {
  ChaCha20_ctr32: ['v', 'ppzpp'],
  Poly1305_ctx_size: ['z', ''],
  Poly1305_Init: ['v', 'pp'],
  Poly1305_Update: ['v', 'ppz'],
  Poly1305_Final: ['v', 'pp'],
  CRYPTO_malloc: ['p', 'zpi'],
  CRYPTO_clear_free: ['v', 'pzpi'],
} as const satisfies Record<string, FfiSignature>;

export type FastLibcrypto = Readonly<Record<keyof typeof SYMBOLS, FfiFunction>>;

/** Throws when the library or one of the functions is missing. */
export function loadFastLibcrypto(ffi: Ffi): FastLibcrypto {
  return ffi.load('libcrypto', SYMBOLS);
}

/** Throws when one of them is hidden, as in the libcrypto of Linux distributions. */
export function loadDirectLibcrypto(ffi: Ffi): Readonly<Record<keyof typeof DIRECT_SYMBOLS, FfiFunction>> {
  return ffi.load('libcrypto', DIRECT_SYMBOLS);
}
