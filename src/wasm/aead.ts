/**
 * AssemblyScript: ChaCha20-Poly1305 (RFC 8439 section 2.8) without additional data, under the nonces of WireGuard.
 * src/crypto/wasm-aead.ts uses it; `node runtime/node/build-wasm.ts` compiles it.
 *
 * `key`: 32 bytes, which stay. `work`: WORK_BYTES of scratch, all zero again when a function returns:
 *   0 key of Poly1305 (32), 32 tag computed (16), 48 tag received (16), 64 keystream (256).
 * Behind the `length` bytes at `data` there are 48 bytes of scratch, of which the first 16 hold the tag.
 */
import { keystream, STREAM_BYTES } from './chacha20';
import { poly1305 } from './poly1305';

const COMPUTED: usize = 32;
const RECEIVED: usize = 48;
const STREAM: usize = 64;
const WORK_BYTES: u32 = 320;
const BLOCK: u32 = 64;

/** 2.6: the first half of block 0 is the key of Poly1305; the rest of the stream, from block 1 on, is for the data. */
function begin(key: usize, work: usize, counterLow: u32, counterHigh: u32): void {
  keystream(key, 0, counterLow, counterHigh, work + STREAM);
  memory.copy(work, work + STREAM, 32);
}

/** Encrypts or decrypts; the first part of the stream is there already. */
function apply(key: usize, work: usize, counterLow: u32, counterHigh: u32, data: usize, length: u32): void {
  let stream = work + STREAM + BLOCK;
  let there: u32 = STREAM_BYTES - BLOCK;
  let block: u32 = 4;
  while (length > there) {
    xorVectors(data, stream, there);
    data += there;
    length -= there;
    stream = work + STREAM;
    there = STREAM_BYTES;
    keystream(key, block, counterLow, counterHigh, stream);
    block += 4;
  }
  const vectors = length & ~15;
  xorVectors(data, stream, vectors);
  for (let i = vectors; i < length; i++) store<u8>(data + i, load<u8>(data + i) ^ load<u8>(stream + i));
}

function xorVectors(data: usize, stream: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 16) {
    v128.store(data + i, v128.xor(v128.load(data + i), v128.load(stream + i)));
  }
}

/** 2.8: the data, zeros up to 16 bytes, and the two lengths. */
function authenticate(work: usize, data: usize, length: u32): void {
  const padded = (length + 15) & ~15;
  memory.fill(data + length, 0, padded - length + 16);
  store<u32>(data + padded, length, 8);
  poly1305(work, data, padded + 16, work + COMPUTED);
}

function wipe(work: usize): void {
  memory.fill(work, 0, WORK_BYTES);
}

export function seal(key: usize, work: usize, data: usize, length: u32, counterLow: u32, counterHigh: u32): void {
  begin(key, work, counterLow, counterHigh);
  apply(key, work, counterLow, counterHigh, data, length);
  authenticate(work, data, length);
  v128.store(data + length, v128.load(work + COMPUTED));
  wipe(work);
}

/** False, and the data as it was, when the tag is wrong. */
export function open(key: usize, work: usize, data: usize, length: u32, counterLow: u32, counterHigh: u32): bool {
  begin(key, work, counterLow, counterHigh);
  v128.store(work + RECEIVED, v128.load(data + length));
  authenticate(work, data, length);
  // In constant time: all bytes are looked at, and only whether any differs is known.
  const isRight = !v128.any_true(v128.xor(v128.load(work + COMPUTED), v128.load(work + RECEIVED)));
  if (isRight) apply(key, work, counterLow, counterHigh, data, length);
  wipe(work);
  return isRight;
}
