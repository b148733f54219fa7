/**
 * Explicit congestion notification across the tunnel, RFC 6040: the outer header starts with the inner packet's two bits
 * (section 4.1, normal mode), and what routers marked on the way is combined with them again (section 4.2).
 */
import { readUint16BE, writeUint16BE } from '../bytes.ts';
import type { IpFamily } from '../ip.ts';

export const NOT_ECT = 0;
export const ECT_1 = 1;
export const ECT_0 = 2;
export const CE = 3;

/** 4.2, figure 4: `COMBINED[inner][outer]`; -1 is a packet to be dropped. */
const COMBINED = [
  /* inner Not-ECT */ [NOT_ECT, NOT_ECT, NOT_ECT, -1],
  /* inner ECT(1)  */ [ECT_1, ECT_1, ECT_1, CE],
  /* inner ECT(0)  */ [ECT_0, ECT_1, ECT_0, CE],
  /* inner CE      */ [CE, CE, CE, CE],
] as const;

/** The two bits of the packet at `offset`, for the outer header. */
export function readEcn(family: IpFamily, buffer: Uint8Array, offset: number): number {
  return family === 4 ? buffer[offset + 1]! & 3 : (buffer[offset + 1]! >>> 4) & 3;
}

/**
 * Writes what RFC 6040 makes of the inner and the outer bits into the packet. False when the packet is to be dropped: a
 * sender that does not understand marks would never slow down for this one.
 */
export function combineEcn(family: IpFamily, buffer: Uint8Array, offset: number, outer: number): boolean {
  if (outer === NOT_ECT) return true; // the first column: what the inner bits say stands
  const inner = readEcn(family, buffer, offset);
  const combined = COMBINED[inner]![outer]!;
  if (combined < 0) return false;
  if (combined !== inner) writeEcn(family, buffer, offset, combined);
  return true;
}

function writeEcn(family: IpFamily, buffer: Uint8Array, offset: number, ecn: number): void {
  if (family === 6) {
    buffer[offset + 1] = (buffer[offset + 1]! & 0xcf) | (ecn << 4);
    return;
  }
  const before = readUint16BE(buffer, offset);
  buffer[offset + 1] = (buffer[offset + 1]! & 0xfc) | ecn;
  const after = readUint16BE(buffer, offset);
  // RFC 1624, equation 3: HC' = ~(~HC + ~m + m')
  const sum = (~readUint16BE(buffer, offset + 10) & 0xffff) + (~before & 0xffff) + after;
  const folded = (sum & 0xffff) + (sum >>> 16);
  writeUint16BE(buffer, offset + 10, ~((folded & 0xffff) + (folded >>> 16)));
}
