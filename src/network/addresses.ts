/**
 * Addresses for hosts, chosen at random within the network's range: an address then tells nothing about the order in
 * which hosts came, and one that was released is not handed to the next in line.
 */
import type { RandomBytes } from '../clock.ts';
import { addressBits, addressFromBytes, formatAddress, maskCidr, type Cidr, type IpAddress } from '../ip.ts';
import { randomBelow } from './random.ts';

/**
 * A free address of `range`, or undefined when it is full. Never the network's own address nor its last one (broadcast,
 * or anycast by RFC 2526), unless the range is too small to have such (RFC 3021, RFC 6164).
 *
 * IPv6 addresses differ in their last 16 bits only, which keeps them short, until those are used up.
 *
 * @param taken Addresses as formatAddress writes them.
 */
export function allocateAddress(range: Cidr, taken: ReadonlySet<string>, random: RandomBytes): IpAddress | undefined {
  const hostBits = addressBits(range.family) - range.prefixLength;
  const network = maskCidr(range).bytes;
  for (const bits of range.family === 4 ? [hostBits] : [Math.min(hostBits, 16), Math.min(hostBits, 32)]) {
    const reserved = bits < 2 ? 0 : 1;
    const count = 2 ** bits - 2 * reserved;
    const start = randomBelow(count, random);
    for (let i = 0; i < count; i++) {
      const address = addressAt(network, reserved + ((start + i) % count));
      if (!taken.has(formatAddress(address))) return address;
    }
  }
  return undefined;
}

/** `network` plus an offset below 2^32. */
function addressAt(network: Uint8Array, offset: number): IpAddress {
  const bytes = network.slice();
  const view = new DataView(bytes.buffer, bytes.length - 4);
  view.setUint32(0, view.getUint32(0) + offset);
  return addressFromBytes(bytes);
}
