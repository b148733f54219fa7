/**
 * ChaCha20 and Poly1305 of OpenSSL on a worker's memory, called in three ways: by the functions that implement them, which Node exports
 * though no manual page tells of them (chacha.h, poly1305.h); by those of OpenSSL's provider, where a function can be called by its
 * address; and through EVP, which every OpenSSL has.
 *
 * The first are four calls with twelve arguments, the others five with twenty-three and nineteen, and only the last is followed by
 * EVP's own work. On Node, where a call costs 18 ns and an argument 5, the first save a seventh of sealing; on Bun the second save 30 ns.
 */
import type { Ffi, Handle } from '../ffi.ts';
import { fetchAlgorithm, loadDirectLibcrypto, loadFastLibcrypto, made } from './fast-libcrypto.ts';
import type { PacketMemory } from './packet-memory.ts';
import { findProviderFunctions } from './provider-functions.ts';

export interface Primitives {
  /** ChaCha20 over `length` bytes under the nonce in memory; `key` is what worker-ciphers.ts made for the mode. False at a fault. */
  readonly encrypt: (key: Handle, from: Handle, to: Handle, length: number) => boolean;
  /** Poly1305 of `length` bytes, under the 32 bytes at `key`, into the tag in memory. False at a fault. */
  readonly authenticate: (key: Handle, data: Handle, length: number) => boolean;
}

/** Offsets: 16 bytes of block number and nonce, 16 bytes for the tag. */
export interface PrimitivePlaces {
  readonly nonce: number;
  readonly tag: number;
}

export function createDirectPrimitives(ffi: Ffi, memory: PacketMemory, { nonce, tag }: PrimitivePlaces): Primitives {
  const libcrypto = loadDirectLibcrypto(ffi);
  const { ChaCha20_ctr32, Poly1305_Init, Poly1305_Update, Poly1305_Final } = libcrypto;
  const mac = memory.pointer(memory.reserve(libcrypto.Poly1305_ctx_size()));
  const noncePointer = memory.pointer(nonce);
  const tagPointer = memory.pointer(tag);
  return {
    encrypt(key, from, to, length) {
      ChaCha20_ctr32(to, from, ffi.size(length), key, noncePointer);
      return true;
    },
    /** The last call overwrites what it was computed with. */
    authenticate(key, data, length) {
      Poly1305_Init(mac, key);
      Poly1305_Update(mac, data, ffi.size(length));
      Poly1305_Final(mac, tagPointer);
      return true;
    },
  };
}

export function createProviderPrimitives(ffi: Ffi, memory: PacketMemory, { nonce, tag }: PrimitivePlaces): Primitives {
  const { initCipher, cipher, newMac, initMac, updateMac, finishMac } = findProviderFunctions(ffi);
  const mac = ffi.handle(newMac());
  const noncePointer = memory.pointer(nonce);
  const tagPointer = memory.pointer(tag);
  const written = memory.pointer(memory.reserve(16));
  const none = ffi.handle(0);
  const [size0, size16, size32] = [0, 16, 32].map((bytes) => ffi.size(bytes));
  return {
    encrypt(context, from, to, length) {
      const size = ffi.size(length);
      return (
        initCipher(context, none, size0, noncePointer, size16, none) === 1 &&
        cipher(context, to, written, size, from, size) === 1
      );
    },
    authenticate: (key, data, length) =>
      initMac(mac, key, size32, none) === 1 &&
      updateMac(mac, data, ffi.size(length)) === 1 &&
      finishMac(mac, tagPointer, written, size16) === 1,
  };
}

export function createEvpPrimitives(ffi: Ffi, memory: PacketMemory, { nonce, tag }: PrimitivePlaces): Primitives {
  const libcrypto = loadFastLibcrypto(ffi);
  const { EVP_EncryptInit, EVP_Cipher, EVP_MAC_init, EVP_MAC_update, EVP_MAC_final } = libcrypto;
  const mac = made(ffi, libcrypto.EVP_MAC_CTX_new(fetchAlgorithm(ffi, libcrypto.EVP_MAC_fetch, 'POLY1305')));
  const noncePointer = memory.pointer(nonce);
  const tagPointer = memory.pointer(tag);
  const none = ffi.handle(0);
  const size32 = ffi.size(32);
  const size16 = ffi.size(16);
  return {
    encrypt: (context, from, to, length) =>
      EVP_EncryptInit(context, none, none, noncePointer) === 1 && EVP_Cipher(context, to, from, length) >= 0,
    authenticate: (key, data, length) =>
      EVP_MAC_init(mac, key, size32, none) === 1 &&
      EVP_MAC_update(mac, data, ffi.size(length)) === 1 &&
      EVP_MAC_final(mac, tagPointer, none, size16) === 1,
  };
}
