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
/** Any handshake message at once, behind the inner block of an HMAC. */
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

/** RFC 2104: ipad and opad, four bytes at a time. */
const INNER_PAD = 0x3636_3636;
const OUTER_PAD = 0x5c5c_5c5c;

export function createBlake2s(ffi: Ffi, libcrypto: Libcrypto): Pick<CryptoProvider, 'hash' | 'mac' | 'hmac'> {
  const scratch = createScratch(ffi);
  const { bytes } = scratch;
  const words = new Uint32Array(bytes.buffer, DATA, RESULT / 4);
  const [data, outer, result] = [scratch.at(DATA), scratch.at(OUTER), scratch.at(RESULT)];
  const innerDigest = scratch.at(OUTER + BLOCK_BYTES);
  const [macBytes, outerBytes, params] = [ffi.size(HASH_BYTES), ffi.size(OUTER_BYTES), scratch.at(PARAMS)];
  const none = ffi.handle(0);
  const plainHash = fetchAlgorithm(ffi, libcrypto.EVP_MD_fetch, 'BLAKE2S-256');
  const keyedHash = fetchAlgorithm(ffi, libcrypto.EVP_MAC_fetch, 'BLAKE2SMAC');

  /**
   * Hands over the first `filled` bytes of the scratch memory and the parts, and leaves nothing of them there: some are chaining
   * keys. What is too long for it gets memory of its own.
   */
  function gather(filled: number, parts: readonly Uint8Array[], use: (at: Handle, length: number) => void): void {
    let end = filled;
    for (const part of parts) end += part.length;
    const memory = end <= DATA_BYTES ? scratch : new Memory(ffi, end);
    if (memory !== scratch) memory.bytes.set(bytes.subarray(DATA, DATA + filled));
    let at = filled;
    for (const part of parts) {
      memory.bytes.set(part, at);
      at += part.length;
    }
    use(memory === scratch ? data : memory.at(0), end);
    memory.bytes.fill(0, 0, end);
    if (memory !== scratch) bytes.fill(0, DATA, DATA + filled);
  }

  function takeResult(length: number): Uint8Array {
    const taken = bytes.slice(RESULT, RESULT + length);
    bytes.fill(0, RESULT, RESULT + length);
    return taken;
  }

  /** To `to`. OpenSSL overwrites its state as it frees it. */
  function digest(from: Handle, length: Handle, to: Handle): void {
    succeed(libcrypto.EVP_Digest(from, length, to, none, plainHash, none));
  }

  const digestToResult = (at: Handle, length: number): void => digest(at, ffi.size(length), result);
  const digestToOuter = (at: Handle, length: number): void => digest(at, ffi.size(length), innerDigest);

  function hash(...parts: readonly Uint8Array[]): Uint8Array {
    gather(0, parts, digestToResult);
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
        gather(0, [message], (at, length) => succeed(libcrypto.EVP_MAC_update(context, at, ffi.size(length))));
        succeed(libcrypto.EVP_MAC_final(context, result, none, macBytes));
        return takeResult(MAC_BYTES);
      } finally {
        bytes.fill(0, DATA, DATA + HASH_BYTES);
        libcrypto.EVP_MAC_CTX_free(context);
      }
    },

    /** Out of two hashes: OpenSSL's own HMAC would take a context that keeps the key. */
    hmac(key, ...parts) {
      const short = key.length > BLOCK_BYTES ? hash(key) : key;
      bytes.set(short, DATA);
      bytes.fill(0, DATA + short.length, DATA + BLOCK_BYTES);
      for (let i = 0; i < BLOCK_BYTES / 4; i++) {
        words[OUTER / 4 + i] = words[i]! ^ OUTER_PAD;
        words[i]! ^= INNER_PAD;
      }
      gather(BLOCK_BYTES, parts, digestToOuter);
      digest(outer, outerBytes, result);
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
