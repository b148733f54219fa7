/**
 * ChaCha20-Poly1305 of OpenSSL. A key lives in one EVP_CIPHER_CTX and nowhere else: setting a nonce leaves it there, freeing
 * the context overwrites it.
 *
 * OpenSSL works in a scratch memory that never moves; packets are copied in and out. That costs a tenth of a microsecond and
 * means that no address is taken of an array that the collector may move, and that a forged packet is never decrypted where
 * anybody else looks.
 */
import { type Aead, type CryptoProvider, TAG_BYTES } from '../../src/crypto/port.ts';
import { expectBytes } from '../../src/errors.ts';
import type { Ffi, Handle } from './ffi.ts';
import {
  EVP_CTRL_AEAD_GET_TAG,
  EVP_CTRL_AEAD_SET_TAG,
  fetchAlgorithm,
  type Libcrypto,
  made,
  succeed,
} from './libcrypto.ts';
import { Memory } from './memory.ts';

const KEY_BYTES = 32;
/** More than any datagram, which is the most that is opened at once. */
const DATA_BYTES = 65_536;

/** What lies where in the scratch memory. */
const KEY = 0;
const NONCE = 32;
const LENGTH = 48;
const TAG = 64;
const DATA = 128;

/** The last argument of EVP_CipherInit_ex. */
const DECRYPT = 0;
const ENCRYPT = 1;

export function createAeads(
  ffi: Ffi,
  libcrypto: Libcrypto,
): Pick<CryptoProvider, 'createAead' | 'sealWith' | 'openWith'> {
  const cipher = new Cipher(ffi, libcrypto);
  return {
    createAead: (key) => new LibcryptoAead(cipher, key),

    sealWith(key, counter, plaintext, additionalData) {
      const context = cipher.create(key);
      try {
        cipher.start(context, ENCRYPT, counter);
        cipher.addData(context, additionalData);
        cipher.load(plaintext, 0, plaintext.length);
        return cipher.encrypt(context, plaintext.length).slice();
      } finally {
        cipher.free(context);
      }
    },

    openWith(key, counter, sealed, additionalData) {
      if (sealed.length < TAG_BYTES) return undefined;
      const context = cipher.create(key);
      try {
        cipher.start(context, DECRYPT, counter);
        cipher.addData(context, additionalData);
        cipher.load(sealed, 0, sealed.length);
        return cipher.decrypt(context, sealed.length - TAG_BYTES)?.slice();
      } finally {
        cipher.free(context);
      }
    },
  };
}

/** Whoever creates one destroys it: the collector knows nothing of the context. */
class LibcryptoAead implements Aead {
  readonly #cipher: Cipher;
  readonly #context: Handle;
  #isDestroyed = false;

  constructor(cipher: Cipher, key: Uint8Array) {
    this.#cipher = cipher;
    this.#context = cipher.create(key);
  }

  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void {
    const context = this.#useContext();
    expectRoom(buffer, offset, length + TAG_BYTES);
    this.#cipher.load(buffer, offset, length);
    this.#cipher.start(context, ENCRYPT, counter);
    buffer.set(this.#cipher.encrypt(context, length), offset);
  }

  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean {
    const context = this.#useContext();
    expectRoom(buffer, offset, length + TAG_BYTES);
    this.#cipher.load(buffer, offset, length + TAG_BYTES);
    this.#cipher.start(context, DECRYPT, counter);
    const plaintext = this.#cipher.decrypt(context, length);
    if (plaintext === undefined) return false;
    buffer.set(plaintext, offset);
    return true;
  }

  destroy(): void {
    if (!this.#isDestroyed) this.#cipher.free(this.#context);
    this.#isDestroyed = true;
  }

  #useContext(): Handle {
    if (this.#isDestroyed) throw new Error('This AEAD was destroyed: its key is gone.');
    return this.#context;
  }
}

/** The scratch memory, and OpenSSL's calls on it. One per thread, for all keys. */
class Cipher {
  readonly #ffi: Ffi;
  readonly #libcrypto: Libcrypto;
  readonly #algorithm: Handle;
  readonly #scratch: Memory;
  readonly #none: Handle;
  readonly #nonce: Handle;
  readonly #length: Handle;
  readonly #tag: Handle;
  readonly #data: Handle;

  constructor(ffi: Ffi, libcrypto: Libcrypto) {
    this.#ffi = ffi;
    this.#libcrypto = libcrypto;
    this.#algorithm = fetchAlgorithm(ffi, libcrypto.EVP_CIPHER_fetch, 'ChaCha20-Poly1305');
    this.#scratch = new Memory(ffi, DATA + DATA_BYTES + TAG_BYTES);
    this.#none = ffi.handle(0);
    this.#nonce = this.#scratch.at(NONCE);
    this.#length = this.#scratch.at(LENGTH);
    this.#tag = this.#scratch.at(TAG);
    this.#data = this.#scratch.at(DATA);
  }

  /** A context with the key in it. To be freed. */
  create(key: Uint8Array): Handle {
    expectBytes('key', key, KEY_BYTES);
    const context = made(this.#ffi, this.#libcrypto.EVP_CIPHER_CTX_new());
    this.#scratch.bytes.set(key, KEY);
    const at = this.#scratch.at(KEY);
    succeed(this.#libcrypto.EVP_CipherInit_ex(context, this.#algorithm, this.#none, at, this.#none, ENCRYPT));
    this.#scratch.bytes.fill(0, KEY, KEY + KEY_BYTES);
    return context;
  }

  free(context: Handle): void {
    this.#libcrypto.EVP_CIPHER_CTX_free(context);
  }

  /** Section 5.4.6: 32 zero bits, then the counter. The key stays, and serves both directions. */
  start(context: Handle, direction: typeof ENCRYPT | typeof DECRYPT, counter: number): void {
    this.#scratch.setUint64(NONCE + 4, counter);
    const none = this.#none;
    succeed(this.#libcrypto.EVP_CipherInit_ex(context, none, none, none, this.#nonce, direction));
  }

  addData(context: Handle, additionalData: Uint8Array): void {
    this.load(additionalData, 0, additionalData.length);
    this.#update(context, this.#none, additionalData.length);
  }

  load(buffer: Uint8Array, offset: number, length: number): void {
    if (length > DATA_BYTES) throw new RangeError(`expected at most ${DATA_BYTES} bytes, got ${length}`);
    this.#scratch.bytes.set(buffer.subarray(offset, offset + length), DATA);
  }

  /** Encrypts what was loaded. Ciphertext and tag, good until the next call. */
  encrypt(context: Handle, length: number): Uint8Array {
    this.#update(context, this.#data, length);
    succeed(this.#libcrypto.EVP_CipherFinal_ex(context, this.#data, this.#length));
    succeed(this.#libcrypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, this.#tag));
    this.#scratch.bytes.copyWithin(DATA + length, TAG, TAG + TAG_BYTES);
    return this.#scratch.bytes.subarray(DATA, DATA + length + TAG_BYTES);
  }

  /** Decrypts what was loaded: `length` bytes and a tag. Undefined when the tag is wrong. */
  decrypt(context: Handle, length: number): Uint8Array | undefined {
    this.#scratch.bytes.copyWithin(TAG, DATA + length, DATA + length + TAG_BYTES);
    succeed(this.#libcrypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, this.#tag));
    this.#update(context, this.#data, length);
    const plaintext = this.#scratch.bytes.subarray(DATA, DATA + length);
    if (this.#libcrypto.EVP_CipherFinal_ex(context, this.#data, this.#length) === 1) return plaintext;
    plaintext.fill(0); // OpenSSL decrypts before it compares
    this.#libcrypto.ERR_clear_error(); // the runtime's own TLS reads the same queue
    return undefined;
  }

  #update(context: Handle, output: Handle, length: number): void {
    if (length > 0) succeed(this.#libcrypto.EVP_CipherUpdate(context, output, this.#length, this.#data, length));
  }
}

/** Else a slip of the caller would seal a part of a packet, or say that a truncated one is authentic. */
function expectRoom(buffer: Uint8Array, offset: number, length: number): void {
  if (offset >= 0 && length >= TAG_BYTES && offset + length <= buffer.length) return;
  throw new RangeError(`"buffer" expected ${length} bytes at ${offset}, got ${buffer.length} in all`);
}
