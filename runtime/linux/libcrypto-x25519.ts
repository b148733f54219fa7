/**
 * X25519 of OpenSSL (RFC 7748). Keys exist there for the time of a call; OpenSSL overwrites a private key as it frees it.
 */
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { expectBytes } from '../../src/errors.ts';
import type { Ffi, Handle } from './ffi.ts';
import { EVP_PKEY_KEYPAIR, EVP_PKEY_X25519, type Libcrypto, made, succeed } from './libcrypto.ts';
import { Memory } from './memory.ts';
import { OSSL_PARAM_BYTES, OSSL_PARAM_OCTET_STRING, writeParam } from './libcrypto-param.ts';

const KEY_BYTES = 32;

/** What lies where in the scratch memory. */
const KEY = 0;
const RESULT = KEY + KEY_BYTES;
const PLACEHOLDER = RESULT + KEY_BYTES;
const LENGTH = PLACEHOLDER + KEY_BYTES;
const MADE = LENGTH + 8;
const NAME = MADE + 8;
const PRIVATE_NAME = NAME + 8;
const PUBLIC_NAME = PRIVATE_NAME + 8;
/** Two parameters, and one that is all zero: the end. */
const PARAMS = PUBLIC_NAME + 8;
const SCRATCH_BYTES = PARAMS + 3 * OSSL_PARAM_BYTES;

export function createX25519(ffi: Ffi, libcrypto: Libcrypto): Pick<CryptoProvider, 'publicKey' | 'dh'> {
  const scratch = createScratch(ffi);
  const [key, result, length, params] = [scratch.at(KEY), scratch.at(RESULT), scratch.at(LENGTH), scratch.at(PARAMS)];
  const imported = scratch.at(MADE);
  const [none, keyBytes] = [ffi.handle(0), ffi.size(KEY_BYTES)];
  const importer = made(ffi, libcrypto.EVP_PKEY_CTX_new_from_name(none, scratch.at(NAME), none));
  succeed(libcrypto.EVP_PKEY_fromdata_init(importer));

  /** `create` finds the raw key in the scratch memory. */
  function withKey<Value>(create: () => number, raw: Uint8Array, use: (key: Handle) => Value): Value {
    scratch.bytes.set(raw, KEY);
    const own = made(ffi, create());
    scratch.bytes.fill(0, KEY, KEY + KEY_BYTES);
    try {
      return use(own);
    } finally {
      libcrypto.EVP_PKEY_free(own);
    }
  }

  const newPublic = (): number => libcrypto.EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, none, key, keyBytes);

  /** Computes its public key as well, which takes as long as a shared secret. */
  const newPrivate = (): number => libcrypto.EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, none, key, keyBytes);

  /** With a placeholder for the public key, so that none is computed: a shared secret takes the private one alone. */
  function newDerivingOnly(): number {
    scratch.setUint64(MADE, 0);
    succeed(libcrypto.EVP_PKEY_fromdata(importer, imported, EVP_PKEY_KEYPAIR, params));
    return scratch.view.getUint32(MADE, true) + scratch.view.getUint32(MADE + 4, true) * 0x1_0000_0000;
  }

  /** After a call that wrote 32 bytes: they are moved out of the scratch memory. */
  function takeResult(): Uint8Array {
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
      scratch.setUint64(LENGTH, KEY_BYTES);
      if (libcrypto.EVP_PKEY_derive(context, result, length) === 1) return takeResult();
      libcrypto.ERR_clear_error(); // the runtime's own TLS reads the same queue
      return undefined;
    } finally {
      libcrypto.EVP_PKEY_CTX_free(context);
    }
  }

  return {
    publicKey(privateKey) {
      expectBytes('privateKey', privateKey, KEY_BYTES);
      return withKey(newPrivate, privateKey, (own) => {
        scratch.setUint64(LENGTH, KEY_BYTES);
        succeed(libcrypto.EVP_PKEY_get_raw_public_key(own, result, length));
        return takeResult();
      });
    },

    dh(privateKey, publicKey) {
      expectBytes('privateKey', privateKey, KEY_BYTES);
      expectBytes('publicKey', publicKey, KEY_BYTES);
      return withKey(newDerivingOnly, privateKey, (own) => withKey(newPublic, publicKey, (peer) => derive(own, peer)));
    },
  };
}

/** With the names, the parameters and the placeholder in place: the base point, which is a public key like any other. */
function createScratch(ffi: Ffi): Memory {
  const scratch = new Memory(ffi, SCRATCH_BYTES);
  scratch.setText(NAME, 'X25519');
  scratch.setText(PRIVATE_NAME, 'priv');
  scratch.setText(PUBLIC_NAME, 'pub');
  scratch.bytes[PLACEHOLDER] = 9;
  const type = OSSL_PARAM_OCTET_STRING;
  writeParam(scratch, PARAMS, { name: PRIVATE_NAME, type, data: KEY, bytes: KEY_BYTES });
  writeParam(scratch, PARAMS + OSSL_PARAM_BYTES, { name: PUBLIC_NAME, type, data: PLACEHOLDER, bytes: KEY_BYTES });
  return scratch;
}
