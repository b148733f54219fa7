/** Key derivation, section 5.4: HKDF (RFC 5869) over HMAC-BLAKE2s with the chaining key as salt and no info. */
import { wipe } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/port.ts';

const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);
const THREE = Uint8Array.of(3);

export function kdf1(crypto: CryptoProvider, key: Uint8Array, input: Uint8Array): Uint8Array {
  const secret = crypto.hmac(key, input);
  const first = crypto.hmac(secret, ONE);
  wipe(secret);
  return first;
}

export function kdf2(crypto: CryptoProvider, key: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const secret = crypto.hmac(key, input);
  const first = crypto.hmac(secret, ONE);
  const second = crypto.hmac(secret, first, TWO);
  wipe(secret);
  return [first, second];
}

export function kdf3(crypto: CryptoProvider, key: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  const secret = crypto.hmac(key, input);
  const first = crypto.hmac(secret, ONE);
  const second = crypto.hmac(secret, first, TWO);
  const third = crypto.hmac(secret, second, THREE);
  wipe(secret);
  return [first, second, third];
}
