/**
 * AssemblyScript: Poly1305 (RFC 8439 section 2.5) in five limbs of 26 bits, as poly1305-donna does it: their products and
 * the sums of five of them fit into 64 bits.
 */

const MASK: u64 = 0x3ff_ffff;

/**
 * Writes the 16-byte tag of `length` bytes, a multiple of 16, to `tag`. `key`: 32 bytes, r and s.
 */
export function poly1305(key: usize, message: usize, length: u32, tag: usize): void {
  // 2.5: r is clamped.
  const r0 = <u64>load<u32>(key) & 0x3ff_ffff;
  const r1 = <u64>(load<u32>(key, 3) >> 2) & 0x3ff_ff03;
  const r2 = <u64>(load<u32>(key, 6) >> 4) & 0x3ff_c0ff;
  const r3 = <u64>(load<u32>(key, 9) >> 6) & 0x3f0_3fff;
  const r4 = <u64>(load<u32>(key, 12) >> 8) & 0x00f_ffff;
  // What leaves at the top comes back five times at the bottom: 2^130 = 5 modulo 2^130 - 5.
  const s1 = r1 * 5;
  const s2 = r2 * 5;
  const s3 = r3 * 5;
  const s4 = r4 * 5;
  let h0: u64 = 0;
  let h1: u64 = 0;
  let h2: u64 = 0;
  let h3: u64 = 0;
  let h4: u64 = 0;
  const end = message + length;
  while (message < end) {
    h0 += <u64>load<u32>(message) & MASK;
    h1 += <u64>(load<u32>(message, 3) >> 2) & MASK;
    h2 += <u64>(load<u32>(message, 6) >> 4) & MASK;
    h3 += <u64>(load<u32>(message, 9) >> 6);
    h4 += <u64>((load<u32>(message, 12) >> 8) | (1 << 24));
    const d0 = h0 * r0 + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
    let d1 = h0 * r1 + h1 * r0 + h2 * s4 + h3 * s3 + h4 * s2;
    let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s4 + h4 * s3;
    let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s4;
    let d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0;
    d1 += d0 >> 26;
    d2 += d1 >> 26;
    d3 += d2 >> 26;
    d4 += d3 >> 26;
    h0 = (d0 & MASK) + (d4 >> 26) * 5;
    h1 = (d1 & MASK) + (h0 >> 26);
    h0 &= MASK;
    h2 = d2 & MASK;
    h3 = d3 & MASK;
    h4 = d4 & MASK;
    message += 16;
  }
  finish(h0, h1, h2, h3, h4, key, tag);
}

/** Reduces fully, without a branch on the number, and adds s. */
function finish(h0: u64, h1: u64, h2: u64, h3: u64, h4: u64, key: usize, tag: usize): void {
  h2 += h1 >> 26;
  h1 &= MASK;
  h3 += h2 >> 26;
  h2 &= MASK;
  h4 += h3 >> 26;
  h3 &= MASK;
  h0 += (h4 >> 26) * 5;
  h4 &= MASK;
  h1 += h0 >> 26;
  h0 &= MASK;
  h2 += h1 >> 26;
  h1 &= MASK;
  h3 += h2 >> 26;
  h2 &= MASK;
  h4 += h3 >> 26;
  h3 &= MASK;
  // h - p is h + 5 - 2^130: taken when it is not negative.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26);
  g0 &= MASK;
  let g2 = h2 + (g1 >> 26);
  g1 &= MASK;
  let g3 = h3 + (g2 >> 26);
  g2 &= MASK;
  const g4 = h4 + (g3 >> 26) - (1 << 26);
  g3 &= MASK;
  const keep: u64 = <u64>(<i64>g4 >> 63);
  h0 = (h0 & keep) | (g0 & ~keep);
  h1 = (h1 & keep) | (g1 & ~keep);
  h2 = (h2 & keep) | (g2 & ~keep);
  h3 = (h3 & keep) | (g3 & ~keep);
  h4 = (h4 & keep) | (g4 & ~keep);
  // Modulo 2^128, plus s, in two halves.
  const low: u64 = h0 | (h1 << 26) | (h2 << 52);
  const high: u64 = (h2 >> 12) | (h3 << 14) | (h4 << 40);
  const sum: u64 = low + load<u64>(key, 16);
  store<u64>(tag, sum);
  store<u64>(tag, high + load<u64>(key, 24) + (sum < low ? 1 : 0), 8);
}
