/**
 * The crypto port: the primitives of the WireGuard paper, section 5.4, as a provider offers them.
 *
 * noble.ts is the portable default and the reference; runtime/ has faster ones. test/conformance/crypto.ts is run on each.
 */

/** Length of a Poly1305 tag in bytes. */
export const TAG_BYTES = 16;

/**
 * ChaCha20-Poly1305 (RFC 8439) under one key, with the nonce of section 5.4.6: 32 zero bits, then the counter in
 * 64-bit little endian. No additional data. Works in place and allocates nothing that outlives the call.
 */
export interface Aead {
  /** Encrypts `length` bytes at `offset` and writes the tag behind them: 16 bytes of room are needed there. */
  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void;
  /**
   * Verifies the tag behind `length` bytes of ciphertext at `offset`, then decrypts in place.
   * False when the tag is wrong: the buffer then holds no plaintext, not even a part of it.
   */
  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean;
  /**
   * Erases the key. Calls after this throw. With `libcrypto` and `wasm` no copy is left in memory; `node` overwrites the key when the
   * collector comes to it, and `noble` leaves copies to whatever takes their place (docs/decisions/0050).
   */
  destroy(): void;
}

export interface CryptoProvider {
  /** What `peerage doctor` and --crypto call it: `libcrypto`, `wasm`, `node`, `noble`. */
  readonly name: string;

  /** `key`: 32 bytes, copied. */
  createAead(key: Uint8Array): Aead;

  /** X25519 public key (32 bytes) of a private key (32 bytes). RFC 7748. */
  publicKey(privateKey: Uint8Array): Uint8Array;
  /** X25519 shared secret (32 bytes), or undefined when it is all zero (a low-order public key). */
  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;

  /** BLAKE2s-256 of the parts one after the other: 32 bytes. RFC 7693. */
  hash(...parts: readonly Uint8Array[]): Uint8Array;
  /** Keyed BLAKE2s with a 16-byte output: MAC1, MAC2 and cookies. */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** HMAC-BLAKE2s-256 of the parts one after the other: 32 bytes. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;

  /** ChaCha20-Poly1305 with additional data, for the handshake. Returns ciphertext followed by the tag. */
  sealWith(key: Uint8Array, counter: number, plaintext: Uint8Array, additionalData: Uint8Array): Uint8Array;
  openWith(key: Uint8Array, counter: number, sealed: Uint8Array, additionalData: Uint8Array): Uint8Array | undefined;

  /** XChaCha20-Poly1305 with a 24-byte nonce, for cookie replies. draft-irtf-cfrg-xchacha. */
  xsealWith(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array): Uint8Array;
  xopenWith(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, additionalData: Uint8Array): Uint8Array | undefined;
}
