/** Keys with the public half computed. */
import type { RandomBytes } from '../clock.ts';
import { nobleCrypto } from '../crypto/noble.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { generatePrivateKey, type PrivateKey, type PublicKey } from '../keys.ts';
import { randomBytes } from './surroundings.ts';

export interface KeyPair {
  privateKey: PrivateKey;
  publicKey: PublicKey;
}

/** X25519 (RFC 7748): 32 bytes. */
export function derivePublicKey(
  privateKey: PrivateKey,
  crypto: Pick<CryptoProvider, 'publicKey'> = nobleCrypto,
): PublicKey {
  return crypto.publicKey(privateKey) as PublicKey; // 32 bytes, as the port says
}

/** A new private key, clamped, and its public key: 32 bytes each. */
export function generateKeyPair(random: RandomBytes = randomBytes): KeyPair {
  const privateKey = generatePrivateKey(random);
  return { privateKey, publicKey: derivePublicKey(privateKey) };
}
