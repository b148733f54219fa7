/**
 * When the key of a destroyed AEAD is gone from memory: a program of its own uses one and searches all that it can write to,
 * while the AEAD is in use, after it is destroyed, and after a garbage collection.
 *
 * The search must not bring copies about. The key is only ever written to memory outside the collector's heap, is known to the
 * search as `key XOR mask`, and each piece of memory that was read is overwritten before the next one is read.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TAG_BYTES, type CryptoProvider } from '../../src/crypto/port.ts';
import { programWithGcCommand } from './commands.ts';

/** Prints what `countKeyCopies` returns, as JSON, about the provider that is its argument. */
const PROGRAM = fileURLToPath(new URL('programs/count-key-copies.ts', import.meta.url));
const KEY_BYTES = 32;
const PIECE_BYTES = 1 << 20;
const PACKETS = 1000;

interface KeyCopies {
  inUse: number;
  destroyed: number;
  collected: number;
  /** Of a private key, once a shared secret was computed with it. */
  derived: number;
}

export function keyErasureConformance(provider: string, when: 'destroyed' | 'collected'): void {
  test(`crypto provider ${provider}: no copy of a key is in memory once its AEAD is ${when}`, () => {
    const copies = countIn(provider);
    assert.ok(copies.inUse > 0, 'the search finds the key of an AEAD in use');
    assert.equal(copies[when], 0);
  });
}

export function privateKeyErasureConformance(provider: string): void {
  test(`crypto provider ${provider}: no copy of a private key is in memory once a shared secret was computed with it`, () => {
    const { inUse, derived } = countIn(provider);
    assert.ok(inUse > 0, 'the search finds the key of an AEAD in use');
    assert.equal(derived, 0);
  });
}

function countIn(provider: string): KeyCopies {
  const [program, ...args] = programWithGcCommand(PROGRAM);
  return JSON.parse(execFileSync(program, [...args, provider], { encoding: 'utf8' })) as KeyCopies; // printed by our own program
}

export function countKeyCopies(crypto: CryptoProvider): KeyCopies {
  // Arrays of more than 64 bytes do not lie where V8 moves them about.
  const key = globalThis.crypto.getRandomValues(new Uint8Array(4096)).subarray(0, KEY_BYTES);
  const mask = globalThis.crypto.getRandomValues(new Uint8Array(4096)).subarray(0, KEY_BYTES);
  const masked = new Uint8Array(4096).subarray(0, KEY_BYTES);
  for (let i = 0; i < KEY_BYTES; i++) masked[i] = key[i]! ^ mask[i]!;

  const aead = crypto.createAead(key);
  key.fill(0);
  use(aead);
  const inUse = search(masked, mask);
  aead.destroy();
  const destroyed = search(masked, mask);
  globalThis.gc?.();
  const collected = search(masked, mask);

  for (let i = 0; i < KEY_BYTES; i++) key[i] = masked[i]! ^ mask[i]!;
  crypto.dh(key, Uint8Array.of(9, ...new Uint8Array(KEY_BYTES - 1)));
  key.fill(0);
  return { inUse, destroyed, collected, derived: search(masked, mask) };
}

function use(aead: ReturnType<CryptoProvider['createAead']>): void {
  const packet = new Uint8Array(1420 + TAG_BYTES);
  for (let counter = 0; counter < PACKETS; counter++) {
    aead.seal(counter, packet, 0, 1420);
    if (!aead.open(counter, packet, 0, 1420)) throw new Error('An AEAD did not open what it had sealed.');
  }
}

/** How often the key occurs in the memory that this process can write to. */
function search(masked: Uint8Array, mask: Uint8Array): number {
  const memory = openSync('/proc/self/mem', 'r');
  const piece = new Uint8Array(PIECE_BYTES + KEY_BYTES);
  let copies = 0;
  for (const [, start, end] of readFileSync('/proc/self/maps', 'latin1').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const [first, past] = [Number.parseInt(start!, 16), Number.parseInt(end!, 16)];
    for (let position = first; position < past; position += PIECE_BYTES) {
      // Reaches a key's length less one into the next piece, so that a key across the border is found, and once.
      const wanted = Math.min(PIECE_BYTES + KEY_BYTES - 1, past - position);
      copies += occurrences(piece, readOrNothing(memory, piece, wanted, position), masked, mask);
      piece.fill(0);
    }
  }
  closeSync(memory);
  return copies;
}

function occurrences(piece: Uint8Array, length: number, masked: Uint8Array, mask: Uint8Array): number {
  const first = masked[0]! ^ mask[0]!;
  let found = 0;
  for (let at = piece.indexOf(first); at >= 0 && at + KEY_BYTES <= length; at = piece.indexOf(first, at + 1)) {
    let i = 1;
    while (i < KEY_BYTES && (piece[at + i]! ^ mask[i]!) === masked[i]) i++;
    if (i === KEY_BYTES) found++;
  }
  return found;
}

/** Some mappings cannot be read: devices, and what was unmapped since the list was made. */
function readOrNothing(memory: number, piece: Uint8Array, length: number, position: number): number {
  try {
    return readSync(memory, piece, 0, length, position);
  } catch {
    return 0;
  }
}
