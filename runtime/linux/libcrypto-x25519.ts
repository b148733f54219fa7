/**
 * X25519 of OpenSSL (RFC 7748). Keys exist there for the time of a call; OpenSSL overwrites a private key as it frees it.
 */
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { expectBytes } from '../../src/errors.ts';
import type { Ffi, FfiFunction, Handle } from './ffi.ts';
import { EVP_PKEY_X25519, type Libcrypto, made, succeed } from './libcrypto.ts';
import { Memory } from './memory.ts';

const KEY_BYTES = 32;

/** What lies where in the scratch memory. */
const KEY = 0;
const RESULT = 32;
const LENGTH = 64;
/** More than the 64 bytes up to which an engine may keep an array where the collector moves it. */
const SCRATCH_BYTES = 128;

export function createX25519(ffi: Ffi, libcrypto: Libcrypto): Pick<CryptoProvider, 'publicKey' | 'dh'> {
  const scratch = new Memory(ffi, SCRATCH_BYTES);
  const [key, result, length] = [scratch.at(KEY), scratch.at(RESULT), scratch.at(LENGTH)];
  const [none, keyBytes] = [ffi.handle(0), ffi.size(KEY_BYTES)];

  function withKey<Value>(importKey: FfiFunction, raw: Uint8Array, use: (key: Handle) => Value): Value {
    scratch.bytes.set(raw, KEY);
    const imported = made(ffi, importKey(EVP_PKEY_X25519, none, key, keyBytes));
    scratch.bytes.fill(0, KEY, KEY + KEY_BYTES);
    try {
      return use(imported);
    } finally {
      libcrypto.EVP_PKEY_free(imported);
    }
  }

  /** Whether `compute` wrote 32 bytes; they are moved out of the scratch memory. */
  function takeResult(compute: FfiFunction, context: Handle): Uint8Array | undefined {
    scratch.setUint64(LENGTH, KEY_BYTES);
    if (compute(context, result, length) !== 1) return undefined;
    const bytes = scratch.bytes.slice(RESULT, RESULT + KEY_BYTES);
    scratch.bytes.fill(0, RESULT, RESULT + KEY_BYTES);
    return bytes;
  }

  /** OpenSSL refuses to derive an all-zero secret (RFC 7748 section 6.1), and nothing else that has 32 bytes. */
  function derive(privateKey: Handle, publicKey: Handle): Uint8Array | undefined {
    const context = made(ffi, libcrypto.EVP_PKEY_CTX_new(privateKey, none));
    try {
      succeed(libcrypto.EVP_PKEY_derive_init(context));
      succeed(libcrypto.EVP_PKEY_derive_set_peer(context, publicKey));
      const secret = takeResult(libcrypto.EVP_PKEY_derive, context);
      if (secret === undefined) libcrypto.ERR_clear_error(); // the runtime's own TLS reads the same queue
      return secret;
    } finally {
      libcrypto.EVP_PKEY_CTX_free(context);
    }
  }

  return {
    publicKey(privateKey) {
      expectBytes('privateKey', privateKey, KEY_BYTES);
      const publicKey = withKey(libcrypto.EVP_PKEY_new_raw_private_key, privateKey, (own) =>
        takeResult(libcrypto.EVP_PKEY_get_raw_public_key, own),
      );
      if (publicKey === undefined) throw new Error('OpenSSL gave no public key.');
      return publicKey;
    },

    dh(privateKey, publicKey) {
      expectBytes('privateKey', privateKey, KEY_BYTES);
      expectBytes('publicKey', publicKey, KEY_BYTES);
      return withKey(libcrypto.EVP_PKEY_new_raw_private_key, privateKey, (own) =>
        withKey(libcrypto.EVP_PKEY_new_raw_public_key, publicKey, (peer) => derive(own, peer)),
      );
    },
  };
}
