/**
 * AssemblyScript: the offload kernel in SIMD WebAssembly (src/offload/kernel.ts says what each function does,
 * src/offload/javascript-kernel.ts is the readable form). It works on an imported memory, the arena of its worker, of
 * which it needs nothing for itself. `node runtime/node/build-wasm.ts` compiles it.
 */

const UDP: u32 = 17;
const FIN_PSH: u8 = 0x09;
const CWR: u8 = 0x80;
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

/**
 * Sum of the 16-bit words. Each 32-bit lane takes up two words per 16 bytes: of the 65,575 bytes of the longest packet
 * less than 2^29.
 */
function sumBytes(at: usize, length: u32): u64 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  while (length >= 64) {
    const first = i32x4.add(
      i32x4.extadd_pairwise_i16x8_u(v128.load(at)),
      i32x4.extadd_pairwise_i16x8_u(v128.load(at, 16)),
    );
    const second = i32x4.add(
      i32x4.extadd_pairwise_i16x8_u(v128.load(at, 32)),
      i32x4.extadd_pairwise_i16x8_u(v128.load(at, 48)),
    );
    a = i32x4.add(a, first);
    b = i32x4.add(b, second);
    at += 64;
    length -= 64;
  }
  while (length >= 16) {
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(at)));
    at += 16;
    length -= 16;
  }
  a = i32x4.add(a, b);
  let sum: u64 =
    <u64>(<u32>i32x4.extract_lane(a, 0)) +
    <u64>(<u32>i32x4.extract_lane(a, 1)) +
    <u64>(<u32>i32x4.extract_lane(a, 2)) +
    <u64>(<u32>i32x4.extract_lane(a, 3));
  while (length >= 4) {
    sum += <u64>load<u32>(at);
    at += 4;
    length -= 4;
  }
  if (length >= 2) {
    sum += <u64>load<u16>(at);
    at += 2;
    length -= 2;
  }
  return length ? sum + <u64>load<u8>(at) : sum;
}

function isIpv4(packet: usize): bool {
  return load<u8>(packet) >> 4 === 4;
}

function sumAddresses(packet: usize): u64 {
  return isIpv4(packet) ? sumBytes(packet + 12, 8) : sumBytes(packet + 8, 32);
}

export function sum(offset: usize, length: u32): u32 {
  return fold(sumBytes(offset, length));
}

export function intact(packet: usize, length: u32, ipHeaderBytes: u32, protocol: u32): bool {
  if (isIpv4(packet) && fold(sumBytes(packet, ipHeaderBytes)) !== 0xffff) return false;
  const transport = packet + ipHeaderBytes;
  const transportBytes = length - ipHeaderBytes;
  if (protocol === UDP && load<u16>(transport, 6) === 0) return false;
  const pseudo = sumAddresses(packet) + <u64>swap16(protocol) + <u64>swap16(transportBytes);
  return fold(pseudo + sumBytes(transport, transportBytes)) === 0xffff;
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
  const ipSum: u64 = ipv4 ? sumBytes(packet, ipHeaderBytes) : 0;
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
