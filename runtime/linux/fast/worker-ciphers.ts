/**
 * The workers' cipher contexts, made by the control thread along with each AEAD of the Device, one for each worker, as no two may
 * use the same at once: the key goes from the handshake into OpenSSL and is nowhere in shared memory. A context is freed, and its key overwritten, once no worker can be using it.
 */
import { Buffer } from 'node:buffer';
import { type Aead, type CryptoProvider, TAG_BYTES } from '../../../src/crypto/port.ts';
import { createJavascriptOffload } from '../../../src/offload/wasm-kernel.ts';
import type { PlaneCiphers } from '../../../src/plane/control-plane.ts';
import type { Ffi, Handle } from '../ffi.ts';
import { Memory } from '../memory.ts';
import { fetchAlgorithm, loadDirectLibcrypto, loadFastLibcrypto } from './fast-libcrypto.ts';
import { createPacketMemory, PACKET } from './packet-memory.ts';
import { findProviderFunctions } from './provider-functions.ts';
import { CIPHER_MODES, type CipherMode, createSlotCipher } from './slot-cipher.ts';

const CONTEXTS: Readonly<Record<CipherMode, (ffi: Ffi) => Contexts>> = {
  direct: createKeys,
  provider: createProviderContexts,
  split: (ffi) => createContexts(ffi, 'ChaCha20'),
  whole: (ffi) => createContexts(ffi, 'ChaCha20-Poly1305'),
};

const KEY_BYTES = 32;

export interface WorkerCiphers extends PlaneCiphers {
  readonly mode: CipherMode;
  /** The provider for the Device: what it makes, the workers can use as well. */
  readonly crypto: CryptoProvider;
  /** As PlaneCiphers says; of the first worker unless said. */
  contextOf(aead: Aead, index?: number): number;
}

/**
 * By the first of `modes` that computes what the reference does; undefined where none does, or there is no OpenSSL. `count`: contexts
 * of each AEAD, for so many workers.
 */
export function createWorkerCiphers(
  ffi: Ffi,
  crypto: CryptoProvider,
  modes: readonly CipherMode[] = CIPHER_MODES,
  count = 1,
): WorkerCiphers | undefined {
  for (const mode of modes) {
    try {
      const contexts = CONTEXTS[mode](ffi);
      if (isRight(ffi, crypto, contexts, mode)) return createCiphers(crypto, contexts, mode, count);
    } catch {
      // Whatever it is, the next mode does without, and the single-threaded tunnel without any.
    }
  }
  return undefined;
}

interface Contexts {
  /** Address of a new context with this key in it. */
  create(key: Uint8Array): number;
  free(address: number): void;
}

/** Nothing but the key, in memory of OpenSSL's, that only this thread writes to. */
function createKeys(ffi: Ffi): Contexts {
  const libcrypto = loadDirectLibcrypto(ffi);
  const { memcpy } = ffi.load('libc.so.6', { memcpy: ['v', 'ppz'] });
  const scratch = new Memory(ffi, 64);
  const size = ffi.size(KEY_BYTES);
  const nowhere: Handle = ffi.handle(0); // in what file of C this is
  return {
    create(key) {
      const address = libcrypto.CRYPTO_malloc(size, nowhere, 0);
      if (address === 0) throw new Error('OpenSSL has no memory for a key.');
      scratch.bytes.set(key);
      memcpy(ffi.handle(address), scratch.at(0), size);
      scratch.bytes.fill(0);
      return address;
    },
    free: (address) => void libcrypto.CRYPTO_clear_free(ffi.handle(address), size, nowhere, 0),
  };
}

/** The provider overwrites the key as it frees a context. */
function createProviderContexts(ffi: Ffi): Contexts {
  const { newCipher, initCipher, freeCipher } = findProviderFunctions(ffi);
  const scratch = new Memory(ffi, 64);
  const none: Handle = ffi.handle(0);
  return {
    create(key) {
      const address = newCipher();
      scratch.bytes.set(key);
      const [keyBytes, nonceBytes] = [ffi.size(KEY_BYTES), ffi.size(16)];
      const result = initCipher(ffi.handle(address), scratch.at(0), keyBytes, scratch.at(32), nonceBytes, none);
      scratch.bytes.fill(0);
      if (result !== 1) throw new Error('OpenSSL takes no key of ChaCha20.');
      return address;
    },
    free: (address) => void freeCipher(ffi.handle(address)),
  };
}

function createContexts(ffi: Ffi, name: string): Contexts {
  const libcrypto = loadFastLibcrypto(ffi);
  const algorithm = fetchAlgorithm(ffi, libcrypto.EVP_CIPHER_fetch, name);
  const scratch = new Memory(ffi, 64);
  const none: Handle = ffi.handle(0);
  return {
    create(key) {
      const address = libcrypto.EVP_CIPHER_CTX_new();
      if (address === 0) throw new Error('OpenSSL has no memory for a cipher.');
      scratch.bytes.set(key);
      // A nonce as well, or a context of ChaCha20 is not complete; each message sets its own.
      const result = libcrypto.EVP_CipherInit_ex(
        ffi.handle(address),
        algorithm,
        none,
        scratch.at(0),
        scratch.at(32),
        1,
      );
      scratch.bytes.fill(0);
      if (result !== 1) throw new Error('OpenSSL takes no key of ChaCha20.');
      return address;
    },
    free: (address) => void libcrypto.EVP_CIPHER_CTX_free(ffi.handle(address)),
  };
}

/** The Device's own AEAD, and the addresses of the workers' contexts. */
class WorkerAead implements Aead {
  readonly contexts: readonly number[];
  readonly #own: Aead;
  readonly #destroyed: (contexts: readonly number[]) => void;
  #isDestroyed = false;

  constructor(own: Aead, contexts: readonly number[], destroyed: (contexts: readonly number[]) => void) {
    this.#own = own;
    this.contexts = contexts;
    this.#destroyed = destroyed;
  }

  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void {
    this.#own.seal(counter, buffer, offset, length);
  }

  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean {
    return this.#own.open(counter, buffer, offset, length);
  }

  destroy(): void {
    this.#own.destroy();
    if (!this.#isDestroyed) this.#destroyed(this.contexts);
    this.#isDestroyed = true;
  }
}

function createCiphers(crypto: CryptoProvider, contexts: Contexts, mode: CipherMode, count: number): WorkerCiphers {
  const destroyed: number[] = [];
  return {
    mode,
    crypto: {
      ...crypto,
      createAead: (key) =>
        new WorkerAead(
          crypto.createAead(key),
          Array.from({ length: count }, () => contexts.create(key)),
          (those) => destroyed.push(...those),
        ),
    },
    contextOf(aead, index = 0) {
      if (!(aead instanceof WorkerAead)) throw new TypeError('"aead" expected one that has a context for the workers');
      const context = aead.contexts[index];
      if (context === undefined) throw new RangeError(`"index" expected one below ${count}, got ${index}`);
      return context;
    },
    freeDestroyed() {
      for (const context of destroyed) contexts.free(context);
      destroyed.length = 0;
    },
  };
}

/** Seals and opens packets of all kinds of lengths beside the provider, and a forged one. */
function isRight(ffi: Ffi, crypto: CryptoProvider, contexts: Contexts, mode: CipherMode): boolean {
  const memory = createPacketMemory(ffi, 2, { plain: true, createOffload: createJavascriptOffload }); // nothing is cut
  const cipher = createSlotCipher(ffi, memory, mode);
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  const aead = crypto.createAead(key);
  const address = contexts.create(key);
  const context = ffi.handle(address);
  const { bytes } = memory.arena;
  const at = memory.wire.at[1]! + PACKET;
  const plainAt = memory.plain.at[1]! + PACKET;
  const isGood = [0, 1, 15, 16, 52, 64, 191, 192, 193, 500, 960, 961, 1420, 1471, 1473, 1904].every((length) => {
    const counter = 2 ** 32 * length + 2 ** 31 + 7;
    const expected = new Uint8Array(length + TAG_BYTES);
    for (let i = 0; i < expected.length; i++) expected[i] = i * 7 + length;
    const packet = expected.slice(0, length);
    bytes.set(packet, at);
    aead.seal(counter, expected, 0, length);
    if (!cipher.seal(context, 1, counter, length)) return false;
    if (!isSame(expected, bytes, at)) return false;
    const low = counter >>> 0;
    const high = Math.floor(counter / 2 ** 32);
    if (!cipher.open(context, 1, low, high, length) || !isSame(packet, bytes, plainAt)) return false;
    bytes.set(expected, at);
    bytes[at + length + 5]! ^= 1;
    return !cipher.open(context, 1, low, high, length);
  });
  contexts.free(address);
  aead.destroy();
  return isGood;
}

/** By native code: each daemon compares thousands of bytes here before it starts. */
function isSame(expected: Uint8Array, bytes: Uint8Array, at: number): boolean {
  return Buffer.compare(expected, bytes.subarray(at, at + expected.length)) === 0;
}
