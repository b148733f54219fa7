/**
 * BLAKE2s of OpenSSL (RFC 7693), plain and keyed, and the HMAC (RFC 2104) that is made of it.
 */
import type { CryptoProvider } from '../../src/crypto/port.ts';
import type { Ffi, Handle } from './ffi.ts';
import { fetchAlgorithm, type Libcrypto, made, succeed } from './libcrypto.ts';
import { OSSL_PARAM_BYTES, OSSL_PARAM_UNSIGNED_INTEGER, writeParam } from './libcrypto-param.ts';
import { Memory } from './memory.ts';

const HASH_BYTES = 32;
const MAC_BYTES = 16;
/** RFC 2104: B, the block of BLAKE2s. */
const BLOCK_BYTES = 64;

/** What lies where in the scratch memory. */
const DATA = 0;
/** Any handshake message at once; longer input goes through in pieces. */
const DATA_BYTES = 512;
/** Of an HMAC: the outer block, and the inner digest behind it. */
const OUTER = DATA + DATA_BYTES;
const OUTER_BYTES = BLOCK_BYTES + HASH_BYTES;
const RESULT = OUTER + OUTER_BYTES;
const SIZE = RESULT + HASH_BYTES;
const SIZE_NAME = SIZE + 8;
/** One parameter, and one that is all zero: the end. */
const PARAMS = SIZE_NAME + 8;
const SCRATCH_BYTES = PARAMS + 2 * OSSL_PARAM_BYTES;

export function createBlake2s(ffi: Ffi, libcrypto: Libcrypto): Pick<CryptoProvider, 'hash' | 'mac' | 'hmac'> {
  const scratch = createScratch(ffi);
  const { bytes } = scratch;
  const [data, outer, result] = [scratch.at(DATA), scratch.at(OUTER), scratch.at(RESULT)];
  const innerDigest = scratch.at(OUTER + BLOCK_BYTES);
  const params = scratch.at(PARAMS);
  const none = ffi.handle(0);
  /** One for all hashes: OpenSSL overwrites its state when it gives the result. */
  const digestContext = made(ffi, libcrypto.EVP_MD_CTX_new());
  succeed(
    libcrypto.EVP_DigestInit_ex2(digestContext, fetchAlgorithm(ffi, libcrypto.EVP_MD_fetch, 'BLAKE2S-256'), none),
  );
  const keyedHash = fetchAlgorithm(ffi, libcrypto.EVP_MAC_fetch, 'BLAKE2SMAC');

  /**
   * Hands over the first `filled` bytes of the scratch memory and the parts, in one call when they fit, and leaves nothing of them
   * there: some are chaining keys.
   */
  function feed(update: (bytes: number) => void, filled: number, parts: readonly Uint8Array[]): void {
    let end = filled;
    let most = filled;
    for (const part of parts)
      for (let taken = 0; taken < part.length;) {
        if (end === DATA_BYTES) {
          update(end);
          end = 0;
        }
        const length = Math.min(part.length - taken, DATA_BYTES - end);
        bytes.set(length === part.length ? part : part.subarray(taken, taken + length), DATA + end);
        taken += length;
        end += length;
        most = Math.max(most, end);
      }
    update(end);
    bytes.fill(0, DATA, DATA + most);
  }

  function takeResult(length: number): Uint8Array {
    const taken = bytes.slice(RESULT, RESULT + length);
    bytes.fill(0, RESULT, RESULT + length);
    return taken;
  }

  function updateDigest(length: number): void {
    succeed(libcrypto.EVP_DigestUpdate(digestContext, data, ffi.size(length)));
  }

  /** Of the first `filled` bytes of the scratch memory and the parts, to `to`. */
  function digest(filled: number, parts: readonly Uint8Array[], to: Handle): void {
    succeed(libcrypto.EVP_DigestInit_ex2(digestContext, none, none));
    feed(updateDigest, filled, parts);
    succeed(libcrypto.EVP_DigestFinal_ex(digestContext, to, none));
  }

  function hash(...parts: readonly Uint8Array[]): Uint8Array {
    digest(0, parts, result);
    return takeResult(HASH_BYTES);
  }

  return {
    hash,

    mac(key, message) {
      if (key.length === 0 || key.length > HASH_BYTES)
        throw new RangeError(`"key" expected 1 to ${HASH_BYTES} bytes, got ${key.length}`);
      // A context of its own, since it keeps the key until it is freed.
      const context = made(ffi, libcrypto.EVP_MAC_CTX_new(keyedHash));
      try {
        bytes.set(key, DATA);
        succeed(libcrypto.EVP_MAC_init(context, data, ffi.size(key.length), params));
        feed((length) => succeed(libcrypto.EVP_MAC_update(context, data, ffi.size(length))), 0, [message]);
        succeed(libcrypto.EVP_MAC_final(context, result, none, ffi.size(HASH_BYTES)));
        return takeResult(MAC_BYTES);
      } finally {
        bytes.fill(0, DATA, DATA + HASH_BYTES);
        libcrypto.EVP_MAC_CTX_free(context);
      }
    },

    /** Out of two hashes: OpenSSL's own HMAC would take a context that keeps the key. */
    hmac(key, ...parts) {
      const short = key.length > BLOCK_BYTES ? hash(key) : key;
      bytes.fill(0, DATA, DATA + BLOCK_BYTES);
      bytes.set(short, DATA);
      for (let i = 0; i < BLOCK_BYTES; i++) {
        bytes[OUTER + i] = bytes[DATA + i]! ^ 0x5c;
        bytes[DATA + i]! ^= 0x36;
      }
      digest(BLOCK_BYTES, parts, innerDigest);
      succeed(libcrypto.EVP_DigestInit_ex2(digestContext, none, none));
      succeed(libcrypto.EVP_DigestUpdate(digestContext, outer, ffi.size(OUTER_BYTES)));
      succeed(libcrypto.EVP_DigestFinal_ex(digestContext, result, none));
      bytes.fill(0, OUTER, OUTER + OUTER_BYTES);
      return takeResult(HASH_BYTES);
    },
  };
}

/** With the parameters of the keyed hash in place: its one setting is the length of the output. */
function createScratch(ffi: Ffi): Memory {
  const scratch = new Memory(ffi, SCRATCH_BYTES);
  scratch.setText(SIZE_NAME, 'size');
  scratch.setUint64(SIZE, MAC_BYTES);
  writeParam(scratch, PARAMS, { name: SIZE_NAME, type: OSSL_PARAM_UNSIGNED_INTEGER, data: SIZE, bytes: 8 });
  return scratch;
}
