/**
 * BLAKE2s of OpenSSL (RFC 7693), plain and keyed, and the HMAC (RFC 2104) that is made of it.
 */
import { wipe } from '../../src/bytes.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import type { Ffi, FfiFunction, Handle } from './ffi.ts';
import { fetchAlgorithm, type Libcrypto, made, OSSL_PARAM_UNSIGNED_INTEGER, succeed } from './libcrypto.ts';
import { Memory } from './memory.ts';

const HASH_BYTES = 32;
const MAC_BYTES = 16;
/** RFC 2104: B, the block of BLAKE2s. */
const BLOCK_BYTES = 64;

/** What lies where in the scratch memory. */
const DATA = 0;
/** Any handshake message at once; longer input goes through in pieces. */
const DATA_BYTES = 512;
const RESULT = DATA + DATA_BYTES;
const SIZE = RESULT + HASH_BYTES;
const SIZE_NAME = SIZE + 8;
/** Two OSSL_PARAM (core.h, 64 bits: key, type, data, its size, the returned size), the second all zero: the end. */
const PARAMS = SIZE_NAME + 8;
const PARAM_BYTES = 40;
const SCRATCH_BYTES = PARAMS + 2 * PARAM_BYTES;

export function createBlake2s(ffi: Ffi, libcrypto: Libcrypto): Pick<CryptoProvider, 'hash' | 'mac' | 'hmac'> {
  const scratch = createScratch(ffi);
  const [data, result, params] = [scratch.at(DATA), scratch.at(RESULT), scratch.at(PARAMS)];
  const none = ffi.handle(0);
  const digestContext = made(ffi, libcrypto.EVP_MD_CTX_new());
  succeed(
    libcrypto.EVP_DigestInit_ex2(digestContext, fetchAlgorithm(ffi, libcrypto.EVP_MD_fetch, 'BLAKE2S-256'), none),
  );
  const keyedHash = fetchAlgorithm(ffi, libcrypto.EVP_MAC_fetch, 'BLAKE2SMAC');

  /** Hands the bytes over and leaves nothing of them in the scratch memory: some are chaining keys. */
  function feed(update: FfiFunction, context: Handle, bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; start += DATA_BYTES) {
      const piece = bytes.subarray(start, start + DATA_BYTES);
      scratch.bytes.set(piece, DATA);
      succeed(update(context, data, ffi.size(piece.length)));
      scratch.bytes.fill(0, DATA, DATA + piece.length);
    }
  }

  function takeResult(length: number): Uint8Array {
    const bytes = scratch.bytes.slice(RESULT, RESULT + length);
    scratch.bytes.fill(0, RESULT, RESULT + length);
    return bytes;
  }

  /** One context for all hashes: OpenSSL overwrites its state when it gives the result. */
  function hash(...parts: readonly Uint8Array[]): Uint8Array {
    succeed(libcrypto.EVP_DigestInit_ex2(digestContext, none, none));
    for (const part of parts) feed(libcrypto.EVP_DigestUpdate, digestContext, part);
    succeed(libcrypto.EVP_DigestFinal_ex(digestContext, result, none));
    return takeResult(HASH_BYTES);
  }

  return {
    hash,

    mac(key, bytes) {
      if (key.length === 0 || key.length > HASH_BYTES)
        throw new RangeError(`"key" expected 1 to ${HASH_BYTES} bytes, got ${key.length}`);
      // A context of its own, since it keeps the key until it is freed.
      const context = made(ffi, libcrypto.EVP_MAC_CTX_new(keyedHash));
      try {
        scratch.bytes.set(key, DATA);
        succeed(libcrypto.EVP_MAC_init(context, data, ffi.size(key.length), params));
        feed(libcrypto.EVP_MAC_update, context, bytes);
        succeed(libcrypto.EVP_MAC_final(context, result, none, ffi.size(HASH_BYTES)));
        return takeResult(MAC_BYTES);
      } finally {
        scratch.bytes.fill(0, DATA, DATA + DATA_BYTES);
        libcrypto.EVP_MAC_CTX_free(context);
      }
    },

    /** Out of two hashes: OpenSSL's own HMAC would take a context that keeps the key. */
    hmac(key, ...parts) {
      const inner = new Uint8Array(BLOCK_BYTES);
      inner.set(key.length > BLOCK_BYTES ? hash(key) : key);
      const outer = inner.map((byte) => byte ^ 0x5c);
      for (let i = 0; i < BLOCK_BYTES; i++) inner[i]! ^= 0x36;
      const innerDigest = hash(inner, ...parts);
      const digest = hash(outer, innerDigest);
      wipe(inner, outer, innerDigest);
      return digest;
    },
  };
}

/** With the parameters of the keyed hash in place: its one setting is the length of the output. */
function createScratch(ffi: Ffi): Memory {
  const scratch = new Memory(ffi, SCRATCH_BYTES);
  scratch.setText(SIZE_NAME, 'size');
  scratch.setUint64(SIZE, MAC_BYTES);
  scratch.setAddress(PARAMS, scratch.address + SIZE_NAME);
  scratch.view.setUint32(PARAMS + 8, OSSL_PARAM_UNSIGNED_INTEGER, true);
  scratch.setAddress(PARAMS + 16, scratch.address + SIZE);
  scratch.setUint64(PARAMS + 24, 8);
  return scratch;
}
