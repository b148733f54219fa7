/**
 * AssemblyScript: the offload kernel in SIMD WebAssembly (src/offload/kernel.ts says what each function does,
 * src/offload/javascript-kernel.ts is the readable form). It works on an imported memory, the arena of its worker, of
 * which it needs nothing for itself. `node runtime/node/build-wasm.ts` compiles it.
 */

const UDP: u32 = 17;
const FIN_PSH: u8 = 0x09;
const CWR: u8 = 0x80;
const DONT_FRAGMENT: u8 = 0x40;
const HOLDS_FIRST: u32 = 1;
const HOLDS_LAST: u32 = 2;

/** 64 bits to 16, with end-around carry. */
function fold(sum: u64): u32 {
  let low: u64 = (sum & 0xffff_ffff) + (sum >> 32);
  low = (low & 0xffff) + ((low >> 16) & 0xffff) + (low >> 32);
  low = (low & 0xffff) + (low >> 16);
  return <u32>((low & 0xffff) + (low >> 16));
}

function swap16(value: u32): u32 {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

/** Half of the sum of two words, in each lane, rounded up. */
function mean(a: v128, b: v128): v128 {
  return i16x8.avgr_u(a, b);
}

/** Sum of the 16-bit words of few bytes, an even number of them. */
function sumHeader(at: usize, length: u32): u64 {
  let sum: u64 = 0;
  while (length >= 4) {
    sum += <u64>load<u32>(at);
    at += 4;
    length -= 4;
  }
  return length ? sum + <u64>load<u16>(at) : sum;
}

/**
 * Sum of the 16-bit words of a byte or more, from an even offset. It is summed from and to a multiple of 16 bytes, and
 * what was not asked for taken off again. Words become signed numbers in pairs (`dot`, a multiplication by one): 2^15 is
 * taken from each of the eight, and what was taken is added in the end.
 *
 * For each 128 bytes there is a tree of sums, which overflow, and one of means, which are rounded up: the sums tell the
 * last 16 bits, and eight times the means those before them, since they are too large by 12 a word at most. For two words
 * and the 65,575 bytes of the longest packet that is 2 x 12 x 512, less than 2^16.
 */
function sumBytes(at: usize, length: u32): u64 {
  const last: usize = (at + length - 1) & ~15;
  return sumVectors(at & ~15, last, bytesBefore(at), bytesUpTo(at + length), allOnes(length));
}

/** Made from what is no constant, or engines would make it, and what is computed from it, anew at each use. */
function allOnes(any: u32): v128 {
  const lanes = i32x4.splat(any);
  return i16x8.eq(lanes, lanes);
}

/** As many lanes of all ones as there are bytes of others in the vector of the first byte, which is at `at`. */
function bytesBefore(at: usize): v128 {
  return firstLanes(<u32>at & 15);
}

/** As many lanes of all ones as there are bytes before `end` in the vector of the last one. */
function bytesUpTo(end: usize): v128 {
  return firstLanes(((<u32>end - 1) & 15) + 1);
}

/** The same for the vectors from `at` to `last`, of which the first has other bytes before it and the last one behind it. */
function sumVectors(at: usize, last: usize, others: v128, own: v128, full: v128): u64 {
  const ones = i16x8.shr_u(full, 15);
  const bias = i16x8.shl(full, 15);
  const before = v128.and(v128.load(at), others);
  const behind = v128.andnot(v128.load(last), own);
  let lanes = i32x4.neg(
    i32x4.add(i32x4.dot_i16x8_s(v128.xor(before, bias), ones), i32x4.dot_i16x8_s(v128.xor(behind, bias), ones)),
  );
  let vectors: u32 = <u32>(last - at) / 16 + 1;
  const taken: i64 = (<i64>vectors - 2) << 18;
  let low = i16x8.splat(0);
  let high = i32x4.splat(0);
  while (vectors >= 8) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const left = i16x8.add(i16x8.add(a, b), i16x8.add(c, d));
    const leftMean = mean(mean(a, b), mean(c, d));
    const e = v128.load(at, 64);
    const f = v128.load(at, 80);
    const g = v128.load(at, 96);
    const h = v128.load(at, 112);
    const right = i16x8.add(i16x8.add(e, f), i16x8.add(g, h));
    const all = mean(leftMean, mean(mean(e, f), mean(g, h)));
    low = i16x8.add(low, i16x8.add(left, right));
    high = i32x4.add(high, i32x4.dot_i16x8_s(v128.xor(all, bias), ones));
    at += 128;
    vectors -= 8;
  }
  const about = i32x4.shl(high, 3);
  const excess = v128.and(i32x4.sub(about, i32x4.dot_i16x8_s(low, ones)), i32x4.shr_u(full, 16));
  lanes = i32x4.add(lanes, i32x4.sub(about, excess));
  while (vectors > 0) {
    lanes = i32x4.add(lanes, i32x4.dot_i16x8_s(v128.xor(v128.load(at), bias), ones));
    at += 16;
    vectors--;
  }
  const halves = i64x2.add(i64x2.extend_low_i32x4_s(lanes), i64x2.extend_high_i32x4_s(lanes));
  return <u64>(taken + i64x2.extract_lane(halves, 0) + i64x2.extract_lane(halves, 1));
}

function isIpv4(packet: usize): bool {
  return load<u8>(packet) >> 4 === 4;
}

function sumAddresses(packet: usize): u64 {
  return isIpv4(packet) ? sumHeader(packet + 12, 8) : sumHeader(packet + 8, 32);
}

export function sum(offset: usize, length: u32): u32 {
  if (length === 0) return 0;
  const folded = fold(sumBytes(offset, length));
  return offset & 1 ? swap16(folded) : folded; // RFC 1071, 2 (B)
}

export function intact(packet: usize, length: u32, ipHeaderBytes: u32, protocol: u32): bool {
  if (isIpv4(packet) && fold(sumHeader(packet, ipHeaderBytes)) !== 0xffff) return false;
  const transport = packet + ipHeaderBytes;
  const transportBytes = length - ipHeaderBytes;
  if (protocol === UDP && load<u16>(transport, 6) === 0) return false;
  const pseudo = sumAddresses(packet) + <u64>swap16(protocol) + <u64>swap16(transportBytes);
  return fold(pseudo + sumBytes(transport, transportBytes)) === 0xffff;
}

/** Bytes of a header that stand in all packets of a run: the others are zero. 16 at a time, `from` the start of the header. */
function sharedBytes(ipv4: bool, isUdp: bool, from: u32): v128 {
  if (from === 0 && ipv4) return i16x8(-1, -1, 0, -1, -1, 0, -1, -1); // identification, checksum
  if (from === 16 && ipv4) return isUdp ? i16x8(-1, -1, -1, -1, -1, 0, -1, -1) : i32x4(-1, -1, 0, -1);
  if (from === 32 && ipv4 && !isUdp) return i16x8(-1, -1, 0, -1, -1, -1, -1, -1);
  if (from === 32 && !ipv4) return isUdp ? i16x8(-1, -1, -1, -1, -1, -1, -1, 0) : i32x4(-1, -1, -1, 0);
  if (from === 48 && !ipv4 && !isUdp) return i16x8(-1, -1, -1, -1, 0, -1, -1, -1);
  return i32x4.splat(-1);
}

/** As many lanes of all ones as `bytes` says. */
function firstLanes(bytes: u32): v128 {
  const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return bytes >= 16 ? i32x4.splat(-1) : i8x16.lt_u(lanes, i8x16.splat(<i8>bytes));
}

/** The mask of the bytes from `from` on that are looked at. */
function maskOf(ipv4: bool, isUdp: bool, from: u32, headerBytes: u32): v128 {
  return v128.and(sharedBytes(ipv4, isUdp, from), firstLanes(max<i32>(0, <i32>headerBytes - <i32>from)));
}

function difference(a: usize, b: usize, mask: v128): v128 {
  return v128.and(v128.xor(v128.load(a), v128.load(b)), mask);
}

export function countFollowing(
  first: usize,
  number: u32,
  packet: usize,
  stride: i32,
  count: u32,
  headerBytes: u32,
  ipHeaderBytes: u32,
  segmentBytes: u32,
  protocol: u32,
): u32 {
  const ipv4 = isIpv4(first);
  const isUdp = protocol === UDP;
  const mask0 = maskOf(ipv4, isUdp, 0, headerBytes);
  const mask1 = maskOf(ipv4, isUdp, 16, headerBytes);
  const mask2 = maskOf(ipv4, isUdp, 32, headerBytes);
  const mask3 = maskOf(ipv4, isUdp, 48, headerBytes);
  const identification: u32 = bswap<u16>(load<u16>(first, 4));
  // RFC 6864: it says nothing where "don't fragment" stands.
  const mustCount = ipv4 && (load<u8>(first, 6) & DONT_FRAGMENT) === 0;
  const sequence = bswap<u32>(load<u32>(first + ipHeaderBytes, 4));
  const transportBytes = headerBytes + segmentBytes - ipHeaderBytes;
  const pseudoSum: u64 = sumAddresses(first) + <u64>swap16(protocol) + <u64>swap16(transportBytes);
  // What identification and checksum are added to.
  const ipSum: u64 = ipv4 ? sumHeader(first, ipHeaderBytes) - load<u16>(first, 4) - load<u16>(first, 10) : 0;

  // The same for all of them, as they are multiples of 16 apart.
  const end = packet + headerBytes + segmentBytes;
  const toFirst = ((packet + ipHeaderBytes) & ~15) - packet;
  const toLast = ((end - 1) & ~15) - packet;
  const others = bytesBefore(packet + ipHeaderBytes);
  const own = bytesUpTo(end);
  const full = allOnes(count);

  for (let i: u32 = 0; i < count; i++) {
    const nth = number + i;
    let differs = v128.or(difference(first, packet, mask0), difference(first + 16, packet + 16, mask1));
    differs = v128.or(differs, difference(first + 32, packet + 32, mask2));
    differs = v128.or(differs, difference(first + 48, packet + 48, mask3));
    for (let at: u32 = 64; at < headerBytes; at += 16)
      differs = v128.or(differs, difference(first + at, packet + at, firstLanes(headerBytes - at)));
    if (v128.any_true(differs)) return i;
    if (mustCount && bswap<u16>(load<u16>(packet, 4)) !== <u16>(identification + nth)) return i;
    const transport = packet + ipHeaderBytes;
    if (isUdp) {
      if (load<u16>(transport, 6) === 0) return i;
    } else if (bswap<u32>(load<u32>(transport, 4)) !== sequence + nth * segmentBytes) return i;
    if (ipv4 && fold(ipSum + <u64>load<u16>(packet, 4) + <u64>load<u16>(packet, 10)) !== 0xffff) return i;
    const sum = sumVectors(packet + toFirst, packet + toLast, others, own, full);
    if (fold(pseudoSum + sum) !== 0xffff) return i;
    packet += stride;
  }
  return count;
}

export function finishSegments(
  packet: usize,
  stride: u32,
  count: u32,
  headerBytes: u32,
  ipHeaderBytes: u32,
  segmentBytes: u32,
  lastBytes: u32,
  protocol: u32,
  ends: u32,
): void {
  const ipv4 = isIpv4(packet);
  const isUdp = protocol === UDP;
  const checksumAt: u32 = ipHeaderBytes + (isUdp ? 6 : 16);
  const identification = bswap<u16>(load<u16>(packet, 4));
  const sequence = bswap<u32>(load<u32>(packet + ipHeaderBytes, 4));
  const flags = load<u8>(packet + ipHeaderBytes, 13);
  // What differs between the segments is zero in the first slot's headers while they are copied and summed.
  if (ipv4) {
    store<u32>(packet, 0, 2);
    store<u16>(packet, 0, 10);
  }
  store<u16>(packet + checksumAt, 0);
  const ipSum: u64 = ipv4 ? sumHeader(packet, ipHeaderBytes) : 0;
  const pseudoSum: u64 = sumAddresses(packet) + <u64>swap16(protocol);

  for (let i: i32 = <i32>count - 1; i >= 0; i--) {
    const segment: usize = packet + <u32>i * stride;
    const isLast = i === <i32>count - 1;
    const length: u32 = headerBytes + (isLast ? lastBytes : segmentBytes);
    if (i > 0) {
      let at: u32 = 0;
      for (; at + 16 <= headerBytes; at += 16) v128.store(segment + at, v128.load(packet + at));
      for (; at < headerBytes; at += 4) store<u32>(segment + at, load<u32>(packet + at));
    }
    if (ipv4) {
      const id: u32 = (<u32>identification + <u32>i) & 0xffff;
      store<u16>(segment, <u16>swap16(length), 2);
      store<u16>(segment, <u16>swap16(id), 4);
      store<u16>(segment, <u16>~fold(ipSum + <u64>swap16(length) + <u64>swap16(id)), 10);
    } else store<u16>(segment, <u16>swap16(length - 40), 4);

    const transport = segment + ipHeaderBytes;
    const transportBytes = length - ipHeaderBytes;
    if (isUdp) store<u16>(transport, <u16>swap16(transportBytes), 4);
    else {
      store<u32>(transport, bswap<u32>(sequence + <u32>i * segmentBytes), 4);
      let kept = flags;
      if (!isLast || !(ends & HOLDS_LAST)) kept &= ~FIN_PSH;
      if (i > 0 || !(ends & HOLDS_FIRST)) kept &= ~CWR;
      store<u8>(transport, kept, 13);
    }
    const sum: u64 = pseudoSum + <u64>swap16(transportBytes) + sumBytes(transport, transportBytes);
    const checksum: u32 = ~fold(sum) & 0xffff;
    // RFC 768: a UDP checksum of zero is sent as all ones, since zero says that there is none.
    store<u16>(segment + checksumAt, <u16>(checksum === 0 && isUdp ? 0xffff : checksum));
  }
}
