/**
 * Bytes: encodings, comparison and erasure. Everything here works on plain Uint8Arrays and allocates only what it returns.
 */

const HEX = /^(?:[0-9a-f]{2})*$/i;

/** RFC 4648 section 4, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes of canonical, padded base64 (RFC 4648 section 4), or undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const binary = decodeBinary(text);
  // It takes spaces, no padding and stray bits as well: canonical is what comes out of it the same again.
  if (binary === undefined || btoa(binary) !== text) return undefined;
  // A loop, as a daemon decodes thousands of bytes at its start: a callback for each is most of the time that takes.
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function decodeBinary(text: string): string | undefined {
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}

/** RFC 4648 section 5, without padding: for credentials that travel in URLs and headers. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of a hexadecimal string of even length, or undefined. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (!HEX.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Compares in time that depends on the lengths only, never on the contents. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** True when every byte is zero; in time that depends on the length only. */
export function isZero(bytes: Uint8Array): boolean {
  let seen = 0;
  for (const byte of bytes) seen |= byte;
  return seen === 0;
}

/** Overwrites secrets that are no longer needed. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

export function readUint32LE(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
}

export function writeUint32LE(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** A 64-bit little-endian counter as a number: exact up to 2^53, larger values come back larger than that. */
export function readUint64LE(bytes: Uint8Array, offset: number): number {
  return readUint32LE(bytes, offset) + readUint32LE(bytes, offset + 4) * 0x1_0000_0000;
}

export function writeUint64LE(bytes: Uint8Array, offset: number, value: number): void {
  writeUint32LE(bytes, offset, value >>> 0);
  writeUint32LE(bytes, offset + 4, Math.floor(value / 0x1_0000_0000));
}

/** Network byte order, as in IP, UDP and ICMP headers. */
export function readUint16BE(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

export function writeUint16BE(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}
