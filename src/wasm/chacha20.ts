/**
 * AssemblyScript: ChaCha20 (RFC 8439 section 2.4), four blocks at a time: each vector holds the same word of four blocks.
 */

// "expand 32-byte k", section 2.3.
const SIGMA0: i32 = 0x61707865;
const SIGMA1: i32 = 0x3320646e;
const SIGMA2: i32 = 0x79622d32;
const SIGMA3: i32 = 0x6b206574;

/** Bytes of keystream per call. */
export const STREAM_BYTES: u32 = 256;

function rotate16(x: v128): v128 {
  return i8x16.shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

function rotate12(x: v128): v128 {
  return v128.or(i32x4.shl(x, 12), i32x4.shr_u(x, 20));
}

function rotate8(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

function rotate7(x: v128): v128 {
  return v128.or(i32x4.shl(x, 7), i32x4.shr_u(x, 25));
}

/** Turns four words of four blocks into 16 bytes of each block. */
function store4(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab0 = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const ab2 = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const cd0 = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const cd2 = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(to, i8x16.shuffle(ab0, cd0, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  v128.store(to, i8x16.shuffle(ab0, cd0, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 64);
  v128.store(to, i8x16.shuffle(ab2, cd2, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 128);
  v128.store(to, i8x16.shuffle(ab2, cd2, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 192);
}

/**
 * Writes the keystream of blocks `block` to `block + 3` to `to`. The nonce is that of WireGuard: 32 zero bits, then the
 * packet's counter in two halves.
 */
export function keystream(key: usize, block: u32, counterLow: u32, counterHigh: u32, to: usize): void {
  const first = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3));
  let x0 = i32x4.splat(SIGMA0);
  let x1 = i32x4.splat(SIGMA1);
  let x2 = i32x4.splat(SIGMA2);
  let x3 = i32x4.splat(SIGMA3);
  let x4 = v128.load32_splat(key);
  let x5 = v128.load32_splat(key, 4);
  let x6 = v128.load32_splat(key, 8);
  let x7 = v128.load32_splat(key, 12);
  let x8 = v128.load32_splat(key, 16);
  let x9 = v128.load32_splat(key, 20);
  let x10 = v128.load32_splat(key, 24);
  let x11 = v128.load32_splat(key, 28);
  let x12 = first;
  let x13 = i32x4.splat(0);
  let x14 = i32x4.splat(counterLow);
  let x15 = i32x4.splat(counterHigh);
  for (let round = 0; round < 10; round++) {
    // Columns, then diagonals; the four quarter rounds side by side, since they do not depend on each other.
    x0 = i32x4.add(x0, x4);
    x1 = i32x4.add(x1, x5);
    x2 = i32x4.add(x2, x6);
    x3 = i32x4.add(x3, x7);
    x12 = rotate16(v128.xor(x12, x0));
    x13 = rotate16(v128.xor(x13, x1));
    x14 = rotate16(v128.xor(x14, x2));
    x15 = rotate16(v128.xor(x15, x3));
    x8 = i32x4.add(x8, x12);
    x9 = i32x4.add(x9, x13);
    x10 = i32x4.add(x10, x14);
    x11 = i32x4.add(x11, x15);
    x4 = rotate12(v128.xor(x4, x8));
    x5 = rotate12(v128.xor(x5, x9));
    x6 = rotate12(v128.xor(x6, x10));
    x7 = rotate12(v128.xor(x7, x11));
    x0 = i32x4.add(x0, x4);
    x1 = i32x4.add(x1, x5);
    x2 = i32x4.add(x2, x6);
    x3 = i32x4.add(x3, x7);
    x12 = rotate8(v128.xor(x12, x0));
    x13 = rotate8(v128.xor(x13, x1));
    x14 = rotate8(v128.xor(x14, x2));
    x15 = rotate8(v128.xor(x15, x3));
    x8 = i32x4.add(x8, x12);
    x9 = i32x4.add(x9, x13);
    x10 = i32x4.add(x10, x14);
    x11 = i32x4.add(x11, x15);
    x4 = rotate7(v128.xor(x4, x8));
    x5 = rotate7(v128.xor(x5, x9));
    x6 = rotate7(v128.xor(x6, x10));
    x7 = rotate7(v128.xor(x7, x11));
    x0 = i32x4.add(x0, x5);
    x1 = i32x4.add(x1, x6);
    x2 = i32x4.add(x2, x7);
    x3 = i32x4.add(x3, x4);
    x15 = rotate16(v128.xor(x15, x0));
    x12 = rotate16(v128.xor(x12, x1));
    x13 = rotate16(v128.xor(x13, x2));
    x14 = rotate16(v128.xor(x14, x3));
    x10 = i32x4.add(x10, x15);
    x11 = i32x4.add(x11, x12);
    x8 = i32x4.add(x8, x13);
    x9 = i32x4.add(x9, x14);
    x5 = rotate12(v128.xor(x5, x10));
    x6 = rotate12(v128.xor(x6, x11));
    x7 = rotate12(v128.xor(x7, x8));
    x4 = rotate12(v128.xor(x4, x9));
    x0 = i32x4.add(x0, x5);
    x1 = i32x4.add(x1, x6);
    x2 = i32x4.add(x2, x7);
    x3 = i32x4.add(x3, x4);
    x15 = rotate8(v128.xor(x15, x0));
    x12 = rotate8(v128.xor(x12, x1));
    x13 = rotate8(v128.xor(x13, x2));
    x14 = rotate8(v128.xor(x14, x3));
    x10 = i32x4.add(x10, x15);
    x11 = i32x4.add(x11, x12);
    x8 = i32x4.add(x8, x13);
    x9 = i32x4.add(x9, x14);
    x5 = rotate7(v128.xor(x5, x10));
    x6 = rotate7(v128.xor(x6, x11));
    x7 = rotate7(v128.xor(x7, x8));
    x4 = rotate7(v128.xor(x4, x9));
  }
  store4(
    to,
    i32x4.add(x0, i32x4.splat(SIGMA0)),
    i32x4.add(x1, i32x4.splat(SIGMA1)),
    i32x4.add(x2, i32x4.splat(SIGMA2)),
    i32x4.add(x3, i32x4.splat(SIGMA3)),
  );
  store4(
    to + 16,
    i32x4.add(x4, v128.load32_splat(key)),
    i32x4.add(x5, v128.load32_splat(key, 4)),
    i32x4.add(x6, v128.load32_splat(key, 8)),
    i32x4.add(x7, v128.load32_splat(key, 12)),
  );
  store4(
    to + 32,
    i32x4.add(x8, v128.load32_splat(key, 16)),
    i32x4.add(x9, v128.load32_splat(key, 20)),
    i32x4.add(x10, v128.load32_splat(key, 24)),
    i32x4.add(x11, v128.load32_splat(key, 28)),
  );
  store4(
    to + 48,
    i32x4.add(x12, first),
    i32x4.add(x13, i32x4.splat(0)),
    i32x4.add(x14, i32x4.splat(counterLow)),
    i32x4.add(x15, i32x4.splat(counterHigh)),
  );
}
