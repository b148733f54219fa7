/** Which crypto provider this runtime uses: the fastest that works, or the one that was asked for. */
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { UserError } from '../../src/errors.ts';
import { createLibcrypto } from './crypto-libcrypto.ts';
import type { Runtime } from './runtime.ts';

type Create = (runtime: Runtime) => Promise<CryptoProvider | undefined>;

/** Best first. Undefined where it does not work. */
const PROVIDERS: Readonly<Record<string, Create>> = {
  // An FFI that cannot be loaded is no fault: it has no binary for every machine.
  libcrypto: (runtime) => runtime.loadFfi().then(createLibcrypto, () => undefined),
  // Packets are the most of the work, so what is left for the provider below it hardly counts.
  async wasm() {
    const { createWasmCrypto } = await import('../../src/crypto/wasm-aead.ts');
    return createWasmCrypto((await loadNode()) ?? (await loadNoble()));
  },
  node: loadNode,
  noble: loadNoble,
};

// Loaded only where the one before does not work: curves in JavaScript take a tenth of a daemon's time to start.
async function loadNode(): Promise<CryptoProvider | undefined> {
  const { isNodeCryptoAvailable, nodeCrypto } = await import('./crypto-node.ts');
  return isNodeCryptoAvailable() ? nodeCrypto : undefined;
}

async function loadNoble(): Promise<CryptoProvider> {
  return (await import('../../src/crypto/noble.ts')).nobleCrypto;
}

/** Rejects with UserError when `name` is not one of the providers that work here. */
export async function chooseCrypto(runtime: Runtime, name?: string): Promise<CryptoProvider> {
  for (const [each, create] of Object.entries(PROVIDERS)) {
    if (name !== undefined && name !== each) continue;
    // oxlint-disable-next-line no-await-in-loop -- one that works is enough
    const crypto = await create(runtime);
    if (crypto !== undefined) return crypto;
  }
  throw new UserError(`There is no crypto provider "${name}" here.`, {
    remedy: `Choose one of: ${(await availableCrypto(runtime)).join(', ')}.`,
    exitCode: 2,
  });
}

async function availableCrypto(runtime: Runtime): Promise<string[]> {
  const names = Object.keys(PROVIDERS);
  const made = await Promise.all(names.map((name) => PROVIDERS[name]!(runtime)));
  return names.filter((_, i) => made[i] !== undefined);
}
