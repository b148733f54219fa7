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

export type FastLibcrypto = Readonly<Record<keyof typeof SYMBOLS, FfiFunction>>;

/** Throws when the library or one of the functions is missing. */
export function loadFastLibcrypto(ffi: Ffi): FastLibcrypto {
  return ffi.load('libcrypto', SYMBOLS);
}
