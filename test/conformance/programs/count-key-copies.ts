/**
 * Prints how many copies of a key are in memory, under the provider that is named, or with the contexts that the data plane's workers
 * have beside it: `workers`. A program of key-copies.ts.
 */
import process from 'node:process';
import { createWorkerCiphers } from '../../../runtime/linux/fast/worker-ciphers.ts';
import { chooseCrypto } from '../../../runtime/linux/choose-crypto.ts';
import type { CryptoProvider } from '../../../src/crypto/port.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { countKeyCopies } from '../key-copies.ts';

const [, , name] = process.argv;

/** What is destroyed is freed at once: there are no workers that could use it. */
async function withContexts(): Promise<CryptoProvider> {
  const ciphers = createWorkerCiphers(await runtime.loadFfi(), await chooseCrypto(runtime, 'libcrypto'));
  if (ciphers === undefined) throw new Error('There is no OpenSSL here whose ChaCha20-Poly1305 is right.');
  const { crypto } = ciphers;
  return {
    ...crypto,
    createAead(key) {
      const aead = crypto.createAead(key);
      return {
        seal: (...args) => aead.seal(...args),
        open: (...args) => aead.open(...args),
        destroy() {
          aead.destroy();
          ciphers.freeDestroyed();
        },
      };
    },
  };
}

const crypto = name === 'workers' ? await withContexts() : await chooseCrypto(runtime, name);
process.stdout.write(JSON.stringify(countKeyCopies(crypto)));
