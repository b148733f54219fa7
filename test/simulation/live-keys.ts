/** A crypto provider that counts the transport keys that are in memory: created and not destroyed yet. */
import type { CryptoProvider } from '../../src/crypto/port.ts';

export interface KeyCount {
  live: number;
  most: number;
}

export function countKeys(crypto: CryptoProvider): { crypto: CryptoProvider; keys: KeyCount } {
  const keys = { live: 0, most: 0 };
  const createAead: CryptoProvider['createAead'] = (key) => {
    const aead = crypto.createAead(key);
    keys.live++;
    keys.most = Math.max(keys.most, keys.live);
    return {
      seal: (counter, buffer, offset, length) => aead.seal(counter, buffer, offset, length),
      open: (counter, buffer, offset, length) => aead.open(counter, buffer, offset, length),
      destroy() {
        keys.live--;
        aead.destroy();
      },
    };
  };
  return { crypto: { ...crypto, createAead }, keys };
}
