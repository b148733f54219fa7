/**
 * Public keys that no honest host has. With a point of low order every handshake has the same, known secret; tunnels
 * refuse such a peer, and a list with one in it could be refused as a whole by every other host.
 */
import { decodeBase64, encodeHex } from '../../bytes.ts';

/** The u-coordinates of low order below 2^255 (RFC 7748 section 6.1), little-endian; p and p + 1 stand for 0 and 1. */
const LOW_ORDER: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Base64 of 32 bytes, as the wire format has checked. */
export function isLowOrder(publicKey: string): boolean {
  const bytes = decodeBase64(publicKey);
  if (bytes === undefined) return false;
  bytes[31]! &= 0x7f; // X25519 ignores the highest bit
  return LOW_ORDER.has(encodeHex(bytes));
}
