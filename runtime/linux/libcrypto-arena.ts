/**
 * ChaCha20-Poly1305 out of OpenSSL's two primitives, in five calls a packet (RFC 8439, section 2.8):
 *
 *   1. EVP_EncryptInit sets the nonce, 2. EVP_Cipher runs over 64 bytes of zeros and the packet behind them: the zeros become
 *      the keystream's block 0, whose first half is the one-time key of the authenticator.
 *   3.-5. EVP_MAC: Poly1305 under that key over the ciphertext, padded to 16 bytes, and the two lengths.
 *
 * It costs two thirds of what OpenSSL's own ChaCha20-Poly1305 does, which works through the ragged end of each packet byte by
 * byte: here the length is rounded up into scratch behind the packet. docs/decisions/0064.
 */
import { type ArenaCrypto, type ArenaAead, onArena, ROOM_BEFORE, roomFor } from '../../src/crypto/arena.ts';
import { equalBytes } from '../../src/bytes.ts';
import { type CryptoProvider, TAG_BYTES } from '../../src/crypto/port.ts';
import { expectBytes } from '../../src/errors.ts';
import { createLibcrypto } from './crypto-libcrypto.ts';
import type { Ffi, FfiSignature, FfiFunction, Handle } from './ffi.ts';
import { fetchAlgorithm, made, succeed } from './libcrypto.ts';
import { Memory } from './memory.ts';

const SYMBOLS = {
  EVP_CIPHER_fetch: ['p', 'ppp'],
  EVP_CIPHER_CTX_new: ['p', ''],
  EVP_CIPHER_CTX_free: ['v', 'p'],
  EVP_CipherInit_ex: ['i', 'pppppi'],
  EVP_EncryptInit: ['i', 'pppp'],
  EVP_Cipher: ['i', 'pppi'],
  EVP_MAC_fetch: ['p', 'ppp'],
  EVP_MAC_CTX_new: ['p', 'p'],
  EVP_MAC_init: ['i', 'ppzp'],
  EVP_MAC_update: ['i', 'ppz'],
  EVP_MAC_final: ['i', 'pppz'],
} as const satisfies Record<string, FfiSignature>;
type Symbols = Readonly<Record<keyof typeof SYMBOLS, FfiFunction>>;

const KEY_BYTES = 32;
const ENCRYPT = 1;
/** What lies where in the scratch memory: a key on its way, the nonce as OpenSSL takes it, the tag that was computed. */
const KEY = 0;
const NONCE = 32;
const TAG = 48;
/** Of a 32-bit word in NONCE: the block counter and 32 zero bits of section 5.4.6 stand before the packet counter. */
const COUNTER_WORD = (NONCE + 8) / 4;

/** For one thread and one arena. Undefined where libcrypto is missing or gives a wrong answer. */
export function createLibcryptoArena(ffi: Ffi, arena: Uint8Array): ArenaCrypto | undefined {
  const whole = createLibcrypto(ffi);
  if (whole === undefined) return undefined;
  try {
    if (answersAsKnown(ffi, whole)) return new LibcryptoArena(ffi, arena);
  } catch {
    // A build without one of the primitives: its own AEAD works, as createLibcrypto found out.
  }
  return onArena(whole, arena);
}

/** Whether the two primitives put together say what the whole says, for every length that changes a step. */
function answersAsKnown(ffi: Ffi, crypto: CryptoProvider): boolean {
  const lengths = [0, 1, 15, 16, 17, 447, 448, 449, 1420];
  const sealed = ROOM_BEFORE;
  const opened = sealed + ROOM_BEFORE + roomFor(1420);
  const arena = new Uint8Array(opened + roomFor(1420));
  const key = Uint8Array.from({ length: KEY_BYTES }, (_, i) => 3 * i);
  const counter = 2 ** 32 + 5;
  const aead = new LibcryptoArena(ffi, arena).createAead(key);
  const whole = crypto.createAead(key);
  try {
    return lengths.every((length) => {
      const packet = Uint8Array.from({ length: length + TAG_BYTES }, (_, i) => i);
      arena.set(packet, sealed);
      aead.seal(counter, sealed, length);
      whole.seal(counter, packet, 0, length);
      const isSame = equalBytes(arena.subarray(sealed, sealed + length + TAG_BYTES), packet);
      if (!isSame || !aead.open(counter, sealed, opened, length)) return false;
      arena.set(packet, sealed);
      arena[sealed + length]! ^= 1;
      return !aead.open(counter, sealed, opened, length);
    });
  } finally {
    aead.destroy();
    whole.destroy();
  }
}

class LibcryptoArena implements ArenaCrypto {
  readonly #ffi: Ffi;
  readonly #libcrypto: Symbols;
  readonly #cipher: Handle;
  readonly #work: Work;

  constructor(ffi: Ffi, arena: Uint8Array) {
    this.#ffi = ffi;
    this.#libcrypto = ffi.load('libcrypto', SYMBOLS);
    this.#cipher = fetchAlgorithm(ffi, this.#libcrypto.EVP_CIPHER_fetch, 'ChaCha20');
    this.#work = new Work(ffi, this.#libcrypto, arena);
  }

  createAead(key: Uint8Array): ArenaAead {
    expectBytes('key', key, KEY_BYTES);
    const { scratch, none, nonce } = this.#work;
    const context = made(this.#ffi, this.#libcrypto.EVP_CIPHER_CTX_new());
    scratch.bytes.set(key, KEY);
    succeed(this.#libcrypto.EVP_CipherInit_ex(context, this.#cipher, none, scratch.at(KEY), nonce, ENCRYPT));
    scratch.bytes.fill(0, KEY, KEY + KEY_BYTES);
    return new LibcryptoArenaAead(this.#libcrypto, this.#work, context);
  }
}

/** The arena and a few words of scratch, with their addresses as the runtime takes them. One per thread, for all keys. */
class Work {
  readonly scratch: Memory;
  readonly none: Handle;
  readonly nonce: Handle;
  readonly tag: Handle;
  /** The authenticator; a new key with each packet. */
  readonly mac: Handle;
  readonly macKeySize: Handle;
  readonly tagSize: Handle;
  /** The scratch memory by words. */
  readonly words: Uint32Array;
  readonly arena: Uint8Array;
  readonly arenaWords: Uint32Array;
  readonly #ffi: Ffi;
  readonly #base: number;
  /** By offset / 16: a runtime that takes objects for addresses makes each once. */
  readonly #places: Handle[] = [];
  readonly #sizes: Handle[] = [];

  constructor(ffi: Ffi, libcrypto: Symbols, arena: Uint8Array) {
    this.#ffi = ffi;
    this.#base = ffi.address(arena);
    this.arena = arena;
    this.arenaWords = new Uint32Array(arena.buffer, arena.byteOffset, arena.length >> 2);
    this.scratch = new Memory(ffi, 64);
    this.words = new Uint32Array(this.scratch.bytes.buffer);
    this.none = ffi.handle(0);
    this.nonce = this.scratch.at(NONCE);
    this.tag = this.scratch.at(TAG);
    this.macKeySize = ffi.size(KEY_BYTES);
    this.tagSize = ffi.size(TAG_BYTES);
    const algorithm = fetchAlgorithm(ffi, libcrypto.EVP_MAC_fetch, 'POLY1305');
    this.mac = made(ffi, libcrypto.EVP_MAC_CTX_new(algorithm));
  }

  place(offset: number): Handle {
    return (this.#places[offset >> 4] ??= this.#ffi.handle(this.#base + offset));
  }

  size(bytes: number): Handle {
    return (this.#sizes[bytes] ??= this.#ffi.size(bytes));
  }
}

class LibcryptoArenaAead implements ArenaAead {
  readonly #libcrypto: Symbols;
  readonly #work: Work;
  readonly #context: Handle;
  #isDestroyed = false;

  constructor(libcrypto: Symbols, work: Work, context: Handle) {
    this.#libcrypto = libcrypto;
    this.#work = work;
    this.#context = context;
  }

  seal(counter: number, packet: number, length: number): void {
    this.#expectRoom(packet, length);
    this.#runCipher(counter, packet, packet, length);
    this.#writeLengths(packet, length);
    this.#authenticate(packet, packet - ROOM_BEFORE, length);
    const { arena, scratch } = this.#work;
    copyTag(scratch.bytes, TAG, arena, packet + length);
  }

  open(counter: number, sealed: number, opened: number, length: number): boolean {
    this.#expectRoom(sealed, length);
    this.#expectRoom(opened, length);
    const { arena, arenaWords, scratch } = this.#work;
    // The plaintext appears in its place before anybody knows that it is authentic; nobody looks at it until then.
    this.#runCipher(counter, sealed, opened, length);
    const at = (opened - ROOM_BEFORE) >> 2;
    const given = sealed + length;
    // The lengths go where the given tag is: its own place is the end of the scratch behind the packet.
    const kept = sealed + roomFor(length) - TAG_BYTES;
    copyTag(arena, given, arena, kept);
    this.#writeLengths(sealed, length);
    this.#authenticate(sealed, opened - ROOM_BEFORE, length);
    arenaWords.fill(0, at, at + 8); // the one-time key
    let difference = 0;
    for (let i = 0; i < TAG_BYTES; i++) difference |= scratch.bytes[TAG + i]! ^ arena[kept + i]!;
    if (difference === 0) return true;
    arena.fill(0, opened, opened + roomFor(length));
    return false;
  }

  destroy(): void {
    if (!this.#isDestroyed) this.#libcrypto.EVP_CIPHER_CTX_free(this.#context);
    this.#isDestroyed = true;
  }

  /** The one-time key comes to stand 64 bytes before `to`. */
  #runCipher(counter: number, from: number, to: number, length: number): void {
    const { arenaWords, words, none, nonce } = this.#work;
    const at = (from - ROOM_BEFORE) >> 2;
    for (let i = 0; i < 8; i++) arenaWords[at + i] = 0;
    words[COUNTER_WORD] = counter >>> 0;
    words[COUNTER_WORD + 1] = Math.floor(counter / 0x1_0000_0000);
    const work = this.#work;
    const all = roomFor(length) - 2 * TAG_BYTES + ROOM_BEFORE;
    const source = work.place(from - ROOM_BEFORE);
    succeed(this.#libcrypto.EVP_EncryptInit(this.#context, none, none, nonce));
    succeed(Math.min(1, this.#libcrypto.EVP_Cipher(this.#context, work.place(to - ROOM_BEFORE), source, all)));
  }

  /** 2.8: zeros up to a multiple of 16, then the length of the additional data (none) and of the ciphertext, 64 bits each. */
  #writeLengths(packet: number, length: number): void {
    const { arena, arenaWords } = this.#work;
    const padded = (length + 15) & ~15;
    for (let i = packet + length; i < packet + padded; i++) arena[i] = 0;
    const at = (packet + padded) >> 2;
    arenaWords[at] = 0;
    arenaWords[at + 1] = 0;
    arenaWords[at + 2] = length;
    arenaWords[at + 3] = 0;
  }

  #authenticate(packet: number, key: number, length: number): void {
    const { mac, none, tag, macKeySize, tagSize } = this.#work;
    const work = this.#work;
    const covered = work.size(((length + 15) & ~15) + TAG_BYTES);
    succeed(this.#libcrypto.EVP_MAC_init(mac, work.place(key), macKeySize, none));
    succeed(this.#libcrypto.EVP_MAC_update(mac, work.place(packet), covered));
    succeed(this.#libcrypto.EVP_MAC_final(mac, tag, none, tagSize));
  }

  #expectRoom(packet: number, length: number): void {
    if (this.#isDestroyed) throw new Error('This AEAD was destroyed: its key is gone.');
    const { arena } = this.#work;
    if (length >= 0 && packet % 16 === 0 && packet >= ROOM_BEFORE && packet + roomFor(length) <= arena.length) return;
    throw new RangeError(`"arena" expected ${length} bytes and their room at ${packet}, got ${arena.length} in all`);
  }
}

function copyTag(from: Uint8Array, source: number, to: Uint8Array, target: number): void {
  for (let i = 0; i < TAG_BYTES; i++) to[target + i] = from[source + i]!;
}
