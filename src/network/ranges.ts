/**
 * Private ranges for a new network, chosen at random so that two networks that meet one day hardly ever collide.
 */
import type { RandomBytes } from '../clock.ts';
import {
  addressBits,
  addressFromBytes,
  cidr,
  containsAddress,
  knownCidr,
  maskCidr,
  overlaps,
  type Cidr,
} from '../ip.ts';

/** RFC 1918 section 3. */
const PRIVATE_10 = knownCidr('10.0.0.0/8');

/** Parts of 10/8 that a host is likely to meet, by the defaults of what uses them. */
const COMMON_RANGES: readonly Cidr[] = [
  '10.0.0.0/15', // home routers, cloud VPCs
  '10.8.0.0/24', // OpenVPN
  '10.10.0.0/16', // home labs
  '10.42.0.0/15', // k3s: pods, services
  '10.88.0.0/16', // Podman
  '10.96.0.0/12', // kubeadm: services
  '10.128.0.0/16', // Google Cloud
  '10.244.0.0/16', // flannel
].map(knownCidr);

/** An IPv4 range that overlaps neither `avoid` nor what others commonly use. Undefined when none is left. */
export function randomIpv4Range(
  random: RandomBytes,
  options: { within?: Cidr; prefixLength?: number; avoid?: readonly Cidr[] } = {},
): Cidr | undefined {
  const { within = PRIVATE_10, prefixLength = Math.max(24, within.prefixLength), avoid = [] } = options;
  // Who asks for a range inside a common one wants it.
  const taken = [...avoid, ...COMMON_RANGES.filter((common) => !containsAddress(common, within))];
  // A tenth of 10/8 is common: 1,000 misses in a row mean that there is nothing to hit.
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const range = randomSubrange(within, prefixLength, random);
    if (!taken.some((other) => overlaps(other, range))) return range;
  }
  return undefined;
}

/** A /64 of RFC 4193: `fd`, 40 random bits of global id and 16 of subnet id (section 3.1). */
export function randomUlaRange(random: RandomBytes): Cidr {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  bytes.set(random(7), 1);
  return cidr(addressFromBytes(bytes), 64);
}

function randomSubrange(within: Cidr, prefixLength: number, random: RandomBytes): Cidr {
  if (prefixLength < within.prefixLength || prefixLength > addressBits(within.family))
    throw new RangeError(`"prefixLength" expected at least ${within.prefixLength}, got ${prefixLength}`);
  const fixed = maskCidr(within).bytes;
  const bytes = random(fixed.length).map((byte, i) => {
    const free = 0xff >> Math.min(8, Math.max(0, within.prefixLength - 8 * i));
    return fixed[i]! | (byte & free);
  });
  return maskCidr(cidr(addressFromBytes(bytes), prefixLength));
}
