/**
 * The crypto port over OpenSSL's libcrypto, called directly: the fastest provider, and one that erases keys at once.
 * XChaCha20, which OpenSSL has not, is noble's; only cookie replies need it.
 */
import { encodeHex } from '../../src/bytes.ts';
import { xopenWith, xsealWith } from '../../src/crypto/noble-xchacha.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import type { Ffi } from './ffi.ts';
import { createAeads } from './libcrypto-aead.ts';
import { createBlake2s } from './libcrypto-blake2s.ts';
import { createX25519 } from './libcrypto-x25519.ts';
import { loadLibcrypto } from './libcrypto.ts';

/** What `answerOf` gives when every function is right; a test computes it with the reference. */
export const KNOWN_ANSWER = '070cf982799676fd7da2bcdde996117dd2f96a66dc563008e37643c1de63ba4e';

/** A provider for this thread; undefined where libcrypto is missing, lacks a primitive, or computes something else. */
export function createLibcrypto(ffi: Ffi): CryptoProvider | undefined {
  try {
    const libcrypto = loadLibcrypto(ffi);
    const crypto: CryptoProvider = {
      name: 'libcrypto',
      ...createAeads(ffi, libcrypto),
      ...createX25519(ffi, libcrypto),
      ...createBlake2s(ffi, libcrypto),
      xsealWith,
      xopenWith,
    };
    return answerOf(crypto) === KNOWN_ANSWER ? crypto : undefined;
  } catch {
    return undefined; // whatever it is, the next provider of the chain does not depend on it
  }
}

/** One hash over an answer of each function that a tunnel uses, right and wrong tags and a low-order point among the questions. */
export function answerOf(crypto: CryptoProvider): string {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  const publicKey = crypto.publicKey(key);
  const secret = crypto.dh(key, publicKey) ?? key;
  const zeroSecret = crypto.dh(key, new Uint8Array(32));

  const counter = 2 ** 32 + 1;
  const sealed = crypto.sealWith(key, counter, publicKey, secret);
  const opened = crypto.openWith(key, counter, sealed, secret) ?? key;
  const unopened = crypto.openWith(key, counter, sealed, key);

  const aead = crypto.createAead(key);
  const packet = new Uint8Array(100);
  aead.seal(counter, packet, 1, 80);
  const sealedPacket = packet.slice();
  const accepted = [aead.open(1, packet, 1, 80), aead.open(counter, packet, 1, 80)];
  aead.destroy();

  const flags = [zeroSecret === undefined, unopened === undefined, ...accepted].map(Number);
  const macs = [crypto.mac(key, secret), crypto.hmac(key, secret, publicKey)];
  return encodeHex(
    crypto.hash(
      publicKey,
      secret,
      sealed,
      opened,
      sealedPacket,
      packet.subarray(0, 81),
      ...macs,
      Uint8Array.from(flags),
    ),
  );
}
