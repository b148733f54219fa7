/**
 * The crypto port in plain TypeScript, over the audited @noble packages: runs wherever JavaScript does, and is the reference
 * that the other providers are tested against. A JavaScript engine may leave copies behind; what we hold is wiped.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { concatBytes, wipe, writeUint64LE } from '../bytes.ts';
import { expectBytes } from '../errors.ts';
import { openOrRefuse, valueUnlessThrown, xopenWith, xsealWith } from './noble-xchacha.ts';
import { type Aead, type CryptoProvider, TAG_BYTES } from './port.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const MAC_BYTES = 16;
const NO_DATA = new Uint8Array(0);

export const nobleCrypto: CryptoProvider = {
  name: 'noble',

  createAead: (key) => new NobleAead(key),

  publicKey(privateKey) {
    expectBytes('privateKey', privateKey, KEY_BYTES);
    return x25519.scalarMultBase(privateKey);
  },

  dh(privateKey, publicKey) {
    expectBytes('privateKey', privateKey, KEY_BYTES);
    expectBytes('publicKey', publicKey, KEY_BYTES);
    // With both lengths right, an all-zero result (RFC 7748 section 6.1) is the one thing that noble still refuses.
    return valueUnlessThrown(() => x25519.scalarMult(privateKey, publicKey));
  },

  hash: (...parts) => blake2s(parts.length === 1 ? parts[0]! : concatBytes(...parts)),

  mac: (key, data) => blake2s(data, { key, dkLen: MAC_BYTES }),

  hmac(key, ...parts) {
    const message = concatBytes(...parts);
    const digest = hmac(blake2s, key, message);
    wipe(message);
    return digest;
  },

  sealWith: (key, counter, plaintext, additionalData) =>
    chacha20poly1305(key, counterNonce(counter), additionalData).encrypt(plaintext),

  openWith: (key, counter, sealed, additionalData) =>
    openOrRefuse(chacha20poly1305(key, counterNonce(counter), additionalData), sealed),

  xsealWith,
  xopenWith,
};

class NobleAead implements Aead {
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  #destroyed = false;

  constructor(key: Uint8Array) {
    expectBytes('key', key, KEY_BYTES);
    this.#key = key.slice();
  }

  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void {
    const output = buffer.subarray(offset, offset + length + TAG_BYTES);
    this.#cipher(counter).encrypt(output.subarray(0, length), output);
  }

  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean {
    const sealed = buffer.subarray(offset, offset + length + TAG_BYTES);
    return openOrRefuse(this.#cipher(counter), sealed, sealed.subarray(0, length)) !== undefined;
  }

  destroy(): void {
    wipe(this.#key);
    this.#destroyed = true;
  }

  #cipher(counter: number) {
    if (this.#destroyed) throw new Error('This AEAD was destroyed: its key is gone.');
    writeUint64LE(this.#nonce, 4, counter);
    return chacha20poly1305(this.#key, this.#nonce, NO_DATA);
  }
}

function counterNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  writeUint64LE(nonce, 4, counter);
  return nonce;
}
