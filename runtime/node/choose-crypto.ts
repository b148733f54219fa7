/** Which crypto provider this runtime uses: the fastest that works, or the one that was asked for. */
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { UserError } from '../../src/errors.ts';
import { isNodeCryptoAvailable, nodeCrypto } from './crypto-node.ts';

/** Best first. */
const PROVIDERS: readonly { crypto: CryptoProvider; isAvailable: () => boolean }[] = [
  { crypto: nodeCrypto, isAvailable: isNodeCryptoAvailable },
  { crypto: nobleCrypto, isAvailable: () => true },
];

/** Throws UserError when `name` is not one of the providers that work here. */
export function chooseCrypto(name?: string): CryptoProvider {
  const available = PROVIDERS.filter((provider) => provider.isAvailable()).map((provider) => provider.crypto);
  const chosen = name === undefined ? available[0] : available.find((crypto) => crypto.name === name);
  if (chosen !== undefined) return chosen;
  throw new UserError(`There is no crypto provider "${name}" here.`, {
    remedy: `Choose one of: ${available.map((crypto) => crypto.name).join(', ')}.`,
    exitCode: 2,
  });
}
