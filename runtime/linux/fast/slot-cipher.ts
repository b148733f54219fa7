/**
 * ChaCha20-Poly1305 of OpenSSL in the slots of a worker, out of its two primitives: the AEAD of EVP wants a call for the nonce,
 * one for the data, one for the end and one for the tag, and takes its time with ragged ends. RFC 8439, section 2.8.
 *
 *   1. ChaCha20 over 64 zero bytes and the packet, from block 0: the first 32 bytes become the key of Poly1305, the packet its
 *      ciphertext. The length is rounded up to what OpenSSL's fastest loop takes at once; the surplus is overwritten.
 *   2. Poly1305 over the ciphertext, padded with zeros, and the lengths of nothing and of it.
 *
 * A context belongs to the control thread's keys (worker-ciphers.ts) and is used by one worker. How the two are called is in
 * slot-primitives.ts. With `whole` the context is one of the AEAD, for an OpenSSL that computes something else with the two.
 */
import { clearBytes } from '../../../src/offload/arena.ts';
import type { Ffi, Handle } from '../ffi.ts';
import { EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG, loadFastLibcrypto } from './fast-libcrypto.ts';
import { PACKET, type PacketMemory, SLOT_BYTES } from './packet-memory.ts';
import {
  createDirectPrimitives,
  createEvpPrimitives,
  createProviderPrimitives,
  type Primitives,
} from './slot-primitives.ts';

const TAG_BYTES = 16;
const DECRYPT = 0;
const ENCRYPT = 1;

/**
 * Fastest first: OpenSSL's own functions where it exports them, as Node does; those of its provider where they can be called by
 * address; the same through EVP; the AEAD of EVP.
 */
export const CIPHER_MODES = ['direct', 'provider', 'split', 'whole'] as const;
export type CipherMode = (typeof CIPHER_MODES)[number];

const PRIMITIVES = {
  direct: createDirectPrimitives,
  provider: createProviderPrimitives,
  split: createEvpPrimitives,
} as const;

export interface SlotCipher {
  /** Seals the `length` bytes (padded already) at the packet's place in wire slot `index`; the tag follows. False at a fault. */
  seal(context: Handle, index: number, counter: number, length: number): boolean;
  /** Opens wire slot `index` into the plain slot of that number. False when the tag is wrong: zeros lie there then. */
  open(context: Handle, index: number, counterLow: number, counterHigh: number, length: number): boolean;
}

/** Throws where OpenSSL lacks what the mode takes. */
export function createSlotCipher(ffi: Ffi, memory: PacketMemory, mode: CipherMode): SlotCipher {
  if (mode === 'whole') return createWhole(ffi, memory);
  const nonce = memory.reserve(16); // block number, then the 12 bytes of section 5.4.6
  const tag = memory.reserve(TAG_BYTES);
  return createPutTogether(memory, { nonce, tag }, PRIMITIVES[mode](ffi, memory, { nonce, tag }));
}

function createPutTogether(
  memory: PacketMemory,
  { nonce, tag }: { nonce: number; tag: number },
  { encrypt, authenticate }: Primitives,
): SlotCipher {
  const { wire, plain, arena } = memory;
  const { bytes, u32, view } = arena;
  const nonceWord = nonce >>> 2;
  const tagWord = tag >>> 2;

  function clearKeyPlace(at: number): void {
    const word = at >>> 2;
    for (let i = word; i < word + 8; i++) u32[i] = 0;
  }

  /** Writes what Poly1305 gets behind the ciphertext; the tag that lay there is overwritten. Returns how much it gets. */
  function endForMac(at: number, length: number): number {
    const end = at + PACKET + length;
    const padded = (length + 15) & ~15;
    const lengths = at + PACKET + padded;
    clearBytes(arena, end, lengths);
    const word = lengths >>> 2;
    u32[word] = 0;
    u32[word + 1] = 0;
    u32[word + 2] = length;
    u32[word + 3] = 0;
    return padded + 16;
  }

  function decrypt(context: Handle, index: number, counterLow: number, counterHigh: number, length: number): boolean {
    const at = wire.at[index]!;
    clearKeyPlace(at);
    u32[nonceWord + 2] = counterLow;
    u32[nonceWord + 3] = counterHigh;
    if (!encrypt(context, wire.start[index], plain.start[index], wholeBlocks(length))) return false;
    const end = at + PACKET + length;
    const tag0 = view.getInt32(end, true);
    const tag1 = view.getInt32(end + 4, true);
    const tag2 = view.getInt32(end + 8, true);
    const tag3 = view.getInt32(end + 12, true);
    if (!authenticate(plain.start[index], wire.packet[index], endForMac(at, length))) return false;
    const difference =
      (tag0 ^ u32[tagWord]!) | (tag1 ^ u32[tagWord + 1]!) | (tag2 ^ u32[tagWord + 2]!) | (tag3 ^ u32[tagWord + 3]!);
    return difference === 0;
  }

  return {
    seal(context, index, counter, length) {
      const at = wire.at[index]!;
      clearKeyPlace(at);
      u32[nonceWord + 2] = counter >>> 0;
      u32[nonceWord + 3] = counter / 0x1_0000_0000;
      if (!encrypt(context, wire.start[index], wire.start[index], wholeBlocks(length))) return false;
      if (!authenticate(wire.start[index], wire.packet[index], endForMac(at, length))) return false;
      const end = at + PACKET + length;
      if ((length & 3) === 0) for (let i = 0; i < 4; i++) u32[(end >>> 2) + i] = u32[tagWord + i]!;
      else bytes.copyWithin(end, tag, tag + TAG_BYTES);
      return true;
    },

    open(context, index, counterLow, counterHigh, length) {
      if (decrypt(context, index, counterLow, counterHigh, length)) return true;
      const at = plain.at[index]!;
      bytes.fill(0, at, at + wholeBlocks(length));
      return false;
    },
  };
}

/** Bytes from the start of the slot that ChaCha20 goes over, for a packet of `length`: no more than the slot has. */
function wholeBlocks(length: number): number {
  const end = PACKET + length;
  if (end <= 256) return 256;
  return end <= 1024 ? 1024 : end <= 1536 ? 1536 : end <= SLOT_BYTES ? SLOT_BYTES : (end + 255) & ~255;
}

function createWhole(ffi: Ffi, memory: PacketMemory): SlotCipher {
  const libcrypto = loadFastLibcrypto(ffi);
  const { wire, plain, arena } = memory;
  const { bytes, u32 } = arena;
  const nonce = memory.reserve(16);
  const written = memory.pointer(memory.reserve(16));
  const tag = memory.reserve(16);
  const noncePointer = memory.pointer(nonce);
  const tagPointer = memory.pointer(tag);
  const none = ffi.handle(0);

  function start(context: Handle, counterLow: number, counterHigh: number, direction: number): boolean {
    u32[(nonce >>> 2) + 1] = counterLow;
    u32[(nonce >>> 2) + 2] = counterHigh;
    return libcrypto.EVP_CipherInit_ex(context, none, none, none, noncePointer, direction) === 1;
  }

  function decrypt(context: Handle, index: number, counterLow: number, counterHigh: number, length: number): boolean {
    const end = wire.at[index]! + PACKET + length;
    bytes.copyWithin(tag, end, end + TAG_BYTES);
    const { [index]: to } = plain.packet;
    return (
      start(context, counterLow, counterHigh, DECRYPT) &&
      libcrypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tagPointer) === 1 &&
      (length === 0 || libcrypto.EVP_CipherUpdate(context, to, written, wire.packet[index], length) === 1) &&
      libcrypto.EVP_CipherFinal_ex(context, tagPointer, written) === 1
    );
  }

  return {
    seal(context, index, counter, length) {
      const packet = wire.packet[index];
      if (!start(context, counter >>> 0, Math.floor(counter / 0x1_0000_0000), ENCRYPT)) return false;
      if (length > 0 && libcrypto.EVP_CipherUpdate(context, packet, written, packet, length) !== 1) return false;
      if (libcrypto.EVP_CipherFinal_ex(context, tagPointer, written) !== 1) return false;
      if (libcrypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tagPointer) !== 1) return false;
      bytes.copyWithin(wire.at[index]! + PACKET + length, tag, tag + TAG_BYTES);
      return true;
    },

    open(context, index, counterLow, counterHigh, length) {
      if (decrypt(context, index, counterLow, counterHigh, length)) return true;
      libcrypto.ERR_clear_error(); // the runtime's own TLS reads the same queue
      const packet = plain.at[index]! + PACKET;
      bytes.fill(0, packet, packet + length);
      return false;
    },
  };
}
