/**
 * The crypto port over node:crypto, that is OpenSSL: a few times faster than noble for packets, ten times for handshakes.
 * Keyed BLAKE2s and XChaCha20, which node:crypto has not, are noble's.
 *
 * No key object is cached beside its raw key: it would outlive the key that its owner wipes. Node clears the memory of a
 * key object when it is collected.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type DecipherChaCha20Poly1305,
  diffieHellman,
  getCiphers,
  getHashes,
  hash,
  type KeyObject,
} from 'node:crypto';
import { concatBytes, wipe, writeUint64LE } from '../../src/bytes.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { type Aead, type CryptoProvider, TAG_BYTES } from '../../src/crypto/port.ts';
import { expectBytes } from '../../src/errors.ts';

const CIPHER = 'chacha20-poly1305';
const HASH = 'blake2s256';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** RFC 2104: B, the block of BLAKE2s. */
const BLOCK_BYTES = 64;

/** RFC 8410: what stands before the 32 bytes of an X25519 key in PKCS #8 and SubjectPublicKeyInfo. */
const PKCS8_PREFIX = Uint8Array.from([0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 34, 4, 32]);
const SPKI_PREFIX = Uint8Array.from([0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 33, 0]);

export const nodeCrypto: CryptoProvider = {
  name: 'node',

  createAead: (key) => new NodeAead(key),

  publicKey: (privateKey) => exportPublicKey(createPublicKey(importPrivateKey(privateKey))),

  dh(privateKey, publicKey) {
    const keys = { privateKey: importPrivateKey(privateKey), publicKey: importPublicKey(publicKey) };
    try {
      return plainBytes(diffieHellman(keys));
    } catch {
      return undefined; // OpenSSL refuses to derive an all-zero secret (RFC 7748 section 6.1)
    }
  },

  hash: (...parts) => digest(...parts),
  mac: (key, data) => nobleCrypto.mac(key, data),
  hmac,

  sealWith(key, counter, plaintext, additionalData) {
    const cipher = createCipheriv(CIPHER, key, counterNonce(counter), { authTagLength: TAG_BYTES });
    cipher.setAAD(additionalData, { plaintextLength: plaintext.length });
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },

  openWith(key, counter, sealed, additionalData) {
    if (sealed.length < TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, key, counterNonce(counter), { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData, { plaintextLength: sealed.length - TAG_BYTES });
    return verified(decipher, sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES));
  },

  xsealWith: (key, nonce, plaintext, additionalData) => nobleCrypto.xsealWith(key, nonce, plaintext, additionalData),
  xopenWith: (key, nonce, sealed, additionalData) => nobleCrypto.xopenWith(key, nonce, sealed, additionalData),
};

/** Whether this build of the runtime has the primitives; BoringSSL, FIPS modes and some compatibility layers have not. */
export function isNodeCryptoAvailable(): boolean {
  return getCiphers().includes(CIPHER) && getHashes().includes(HASH);
}

class NodeAead implements Aead {
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  /** A key object, not bytes: OpenSSL then need not take in the key for each packet (6 us against 16). */
  #key: KeyObject | undefined;

  constructor(key: Uint8Array) {
    expectBytes('key', key, KEY_BYTES);
    this.#key = createSecretKey(key);
  }

  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void {
    const cipher = createCipheriv(CIPHER, this.#useKey(), this.#nonceOf(counter), { authTagLength: TAG_BYTES });
    buffer.set(cipher.update(buffer.subarray(offset, offset + length)), offset);
    cipher.final();
    buffer.set(cipher.getAuthTag(), offset + length);
  }

  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean {
    const decipher = createDecipheriv(CIPHER, this.#useKey(), this.#nonceOf(counter), { authTagLength: TAG_BYTES });
    const end = offset + length;
    const plaintext = verified(decipher, buffer.subarray(offset, end), buffer.subarray(end, end + TAG_BYTES));
    if (plaintext === undefined) return false;
    buffer.set(plaintext, offset);
    return true;
  }

  destroy(): void {
    this.#key = undefined;
  }

  #useKey(): KeyObject {
    if (this.#key === undefined) throw new Error('This AEAD was destroyed: its key is gone.');
    return this.#key;
  }

  #nonceOf(counter: number): Uint8Array {
    writeUint64LE(this.#nonce, 4, counter);
    return this.#nonce;
  }
}

/** The plaintext, or undefined when the tag is wrong: OpenSSL decrypts before it verifies, so it is wiped then. */
function verified(decipher: DecipherChaCha20Poly1305, ciphertext: Uint8Array, tag: Uint8Array): Uint8Array | undefined {
  decipher.setAuthTag(tag);
  const plaintext = plainBytes(decipher.update(ciphertext));
  try {
    decipher.final();
    return plaintext;
  } catch {
    wipe(plaintext);
    return undefined;
  }
}

function digest(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return plainBytes(hash(HASH, parts[0]!, 'buffer'));
  const whole = concatBytes(...parts);
  const result = plainBytes(hash(HASH, whole, 'buffer'));
  wipe(whole);
  return result;
}

/** RFC 2104, out of two one-shot hashes: 2 us against the 12 of createHmac, and a handshake takes twelve. */
function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  if (key.length > BLOCK_BYTES) return hmac(digest(key), ...parts);
  const inner = new Uint8Array(BLOCK_BYTES).fill(0x36);
  const outer = new Uint8Array(BLOCK_BYTES).fill(0x5c);
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!;
    outer[i]! ^= key[i]!;
  }
  const innerDigest = digest(inner, ...parts);
  const result = digest(outer, innerDigest);
  wipe(inner, outer, innerDigest);
  return result;
}

/** DER rather than JWK: a string with the private key in it could not be wiped. */
function importPrivateKey(privateKey: Uint8Array): KeyObject {
  expectBytes('privateKey', privateKey, KEY_BYTES);
  const der = concatBytes(PKCS8_PREFIX, privateKey);
  const key = createPrivateKey({ key: asBuffer(der), format: 'der', type: 'pkcs8' });
  wipe(der);
  return key;
}

function importPublicKey(publicKey: Uint8Array): KeyObject {
  expectBytes('publicKey', publicKey, KEY_BYTES);
  return createPublicKey({ key: asBuffer(concatBytes(SPKI_PREFIX, publicKey)), format: 'der', type: 'spki' });
}

function exportPublicKey(publicKey: KeyObject): Uint8Array {
  return plainBytes(publicKey.export({ format: 'der', type: 'spki' })).slice(SPKI_PREFIX.length);
}

function counterNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  writeUint64LE(nonce, 4, counter);
  return nonce;
}

/** The same memory as a Buffer, which is what node:crypto's types ask for in DER. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The same memory as a plain Uint8Array: Buffer's own slice() and toString() would surprise code that knows only the port. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
