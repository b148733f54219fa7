/** An Endpoint as 13 words of shared memory: what a worker compares, sends to, and tells the control thread. */
import type { Endpoint } from '../peer/endpoint.ts';

/** Family (4 or 6; 0 for none) and port, as family << 16 | port. */
export const PEER = 0;
/** Four words of address, as they lie in memory; the first one for IPv4, the others zero. */
export const ADDRESS = 1;
export const SCOPE = 5;
/** 1 when there is a source. */
export const HAS_SOURCE = 6;
export const SOURCE = 7;
export const SOURCE_INTERFACE = 11;
/** Not part of what makes two endpoints the same. */
export const ARRIVAL = 12;
export const ENDPOINT_WORDS = 13;

export function writeEndpoint(words: Int32Array, at: number, endpoint: Endpoint | undefined): void {
  words.fill(0, at, at + ENDPOINT_WORDS);
  if (endpoint === undefined) return;
  words[at + PEER] = (endpoint.family << 16) | endpoint.port;
  writeAddress(words, at + ADDRESS, endpoint.address, endpoint.family);
  words[at + SCOPE] = endpoint.scopeId;
  words[at + ARRIVAL] = endpoint.arrivalInterface;
  if (!endpoint.hasSource) return;
  words[at + HAS_SOURCE] = 1;
  writeAddress(words, at + SOURCE, endpoint.source, endpoint.family);
  words[at + SOURCE_INTERFACE] = endpoint.sourceInterface;
}

export function readEndpoint(words: Int32Array, at: number, into: Endpoint): void {
  into.family = words[at + PEER]! >>> 16 === 4 ? 4 : 6;
  into.port = words[at + PEER]! & 0xffff;
  readAddress(words, at + ADDRESS, into.address);
  into.scopeId = words[at + SCOPE]! >>> 0;
  into.hasSource = words[at + HAS_SOURCE] !== 0;
  readAddress(words, at + SOURCE, into.source);
  into.sourceInterface = words[at + SOURCE_INTERFACE]! >>> 0;
  into.arrivalInterface = words[at + ARRIVAL]! >>> 0;
}

/** As Endpoint.equals: the remote side and the source. */
export function sameEndpoint(a: Int32Array, atA: number, b: Int32Array, atB: number): boolean {
  for (let i = 0; i < ARRIVAL; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}

function writeAddress(words: Int32Array, at: number, bytes: Uint8Array, family: 4 | 6): void {
  const count = family === 4 ? 1 : 4;
  for (let i = 0; i < count; i++)
    words[at + i] = bytes[4 * i]! | (bytes[4 * i + 1]! << 8) | (bytes[4 * i + 2]! << 16) | (bytes[4 * i + 3]! << 24);
}

function readAddress(words: Int32Array, at: number, bytes: Uint8Array): void {
  for (let i = 0; i < 16; i++) bytes[i] = words[at + (i >>> 2)]! >>> (8 * (i & 3));
}
