/** Which crypto provider this runtime uses: the fastest that works, or the one that was asked for. */
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { UserError } from '../../src/errors.ts';
import { createLibcrypto } from '../linux/crypto-libcrypto.ts';
import { isNodeCryptoAvailable, nodeCrypto } from './crypto-node.ts';

/** Undefined where koffi has no binary for the machine: commands that need no tunnel run there as well. */
const ffi = await import('./ffi.ts').then(
  ({ nodeFfi }) => nodeFfi,
  () => undefined,
);

/** Best first. Undefined where it does not work. */
const PROVIDERS: Readonly<Record<string, () => CryptoProvider | undefined>> = {
  libcrypto: () => ffi && createLibcrypto(ffi),
  node: () => (isNodeCryptoAvailable() ? nodeCrypto : undefined),
  noble: () => nobleCrypto,
};

/** Throws UserError when `name` is not one of the providers that work here. */
export function chooseCrypto(name?: string): CryptoProvider {
  for (const [each, create] of Object.entries(PROVIDERS)) {
    const crypto = name === undefined || name === each ? create() : undefined;
    if (crypto !== undefined) return crypto;
  }
  const available = Object.keys(PROVIDERS).filter((each) => PROVIDERS[each]!() !== undefined);
  throw new UserError(`There is no crypto provider "${name}" here.`, {
    remedy: `Choose one of: ${available.join(', ')}.`,
    exitCode: 2,
  });
}
