/**
 * ChaCha20 and Poly1305 of OpenSSL below EVP: a provider tells where its functions are, and they are called by address, with
 * nothing of EVP's own in between. provider(7), provider-base(7), provider-cipher(7), provider-mac(7); the numbers are core_dispatch.h's.
 */
import type { Ffi, FfiFunction, FfiLibrary, FfiPlace, FfiSignature } from '../ffi.ts';
import { fetchAlgorithm, made } from '../libcrypto.ts';
import { Memory } from '../memory.ts';

const LIBC_SYMBOLS = {
  memcpy: ['v', 'ppz'],
  strcasecmp: ['i', 'pp'],
} as const satisfies Record<string, FfiSignature>;

const SYMBOLS = {
  EVP_CIPHER_fetch: ['p', 'ppp'],
  EVP_CIPHER_get0_provider: ['p', 'p'],
  EVP_MAC_fetch: ['p', 'ppp'],
  EVP_MAC_get0_provider: ['p', 'p'],
  OSSL_PROVIDER_get0_provider_ctx: ['p', 'p'],
  OSSL_PROVIDER_query_operation: ['p', 'pip'],
} as const satisfies Record<string, FfiSignature>;

const OSSL_OP_CIPHER = 2;
const OSSL_OP_MAC = 3;

interface Declaration {
  /** Among the functions of its operation. */
  id: number;
  signature: FfiSignature;
}

const CIPHER_FUNCTIONS = {
  newCipher: { id: 1, signature: ['p', 'p'] },
  /** Overwrites the key. */
  freeCipher: { id: 7, signature: ['v', 'p'] },
  /** Context, key, its length, nonce, its length, settings. */
  initCipher: { id: 2, signature: ['i', 'ppzpzp'] },
  /** Context, output, where to write its length, its room, input, its length. */
  cipher: { id: 6, signature: ['i', 'pppzpz'] },
} as const satisfies Record<string, Declaration>;

const MAC_FUNCTIONS = {
  newMac: { id: 1, signature: ['p', 'p'] },
  /** Context, key, its length, settings. */
  initMac: { id: 4, signature: ['i', 'ppzp'] },
  updateMac: { id: 5, signature: ['i', 'ppz'] },
  /** Context, output, where to write its length, its room. */
  finishMac: { id: 6, signature: ['i', 'pppz'] },
} as const satisfies Record<string, Declaration>;

type Names = keyof typeof CIPHER_FUNCTIONS | keyof typeof MAC_FUNCTIONS;

/** struct ossl_algorithm_st and struct ossl_dispatch_st of core.h, on 64 bits; a list of either ends with zeros. */
const ALGORITHM_BYTES = 32;
const IMPLEMENTATION = 16;
const DISPATCH_BYTES = 16;
const FUNCTION = 8;
/** More than any provider has. */
const MOST_ENTRIES = 1000;

export interface ProviderFunctions extends FfiLibrary<Exclude<Names, 'newCipher' | 'newMac'>> {
  /** The address of a new context. Throws where there is no memory. */
  readonly newCipher: () => number;
  readonly newMac: () => number;
}

/** Throws where the runtime calls nothing by address, or a provider does not tell of one of them. */
export function findProviderFunctions(ffi: Ffi): ProviderFunctions {
  if (ffi.link === undefined) throw new Error(`${ffi.name} calls nothing by address.`);
  const libcrypto = ffi.load('libcrypto', SYMBOLS);
  // What was fetched is not freed, so the providers stay.
  const cipher = fetchAlgorithm(ffi, libcrypto.EVP_CIPHER_fetch, 'ChaCha20');
  const cipherProvider = made(ffi, libcrypto.EVP_CIPHER_get0_provider(cipher));
  const mac = fetchAlgorithm(ffi, libcrypto.EVP_MAC_fetch, 'POLY1305');
  const macProvider = made(ffi, libcrypto.EVP_MAC_get0_provider(mac));

  const scratch = new Memory(ffi, 64);
  const algorithms = (provider: unknown, operation: number): number =>
    libcrypto.OSSL_PROVIDER_query_operation(provider, operation, scratch.at(0));
  const libc = ffi.load('libc.so.6', LIBC_SYMBOLS);
  const reader = { ffi, libc };
  const places = {
    ...readPlaces(reader, algorithms(cipherProvider, OSSL_OP_CIPHER), 'ChaCha20', CIPHER_FUNCTIONS),
    ...readPlaces(reader, algorithms(macProvider, OSSL_OP_MAC), 'POLY1305', MAC_FUNCTIONS),
  };
  const functions = ffi.link(places);
  const creating = (create: FfiFunction, provider: unknown) => {
    const context = ffi.handle(libcrypto.OSSL_PROVIDER_get0_provider_ctx(provider));
    return (): number => {
      const address = create(context);
      if (address === 0) throw new Error('OpenSSL has no memory for a context.');
      return address;
    };
  };
  return {
    ...functions,
    newCipher: creating(functions.newCipher, cipherProvider),
    newMac: creating(functions.newMac, macProvider),
  };
}

interface Reader {
  ffi: Ffi;
  libc: FfiLibrary<keyof typeof LIBC_SYMBOLS>;
}

/** Where the functions are of the algorithm that is called `name`, and nothing else, in a list of algorithms. */
function readPlaces<Declared extends string>(
  reader: Reader,
  algorithms: number,
  name: string,
  declarations: Readonly<Record<Declared, Declaration>>,
): Record<Declared, FfiPlace> {
  const addresses = readDispatch(reader, findImplementation(reader, algorithms, name));
  const places = Object.entries<Declaration>(declarations).map(([key, { id, signature }]) => {
    const address = addresses.get(id);
    if (address === undefined) throw new Error(`OpenSSL's provider has no function ${id} of ${name}.`);
    return [key, { address, signature }];
  });
  return Object.fromEntries(places) as Record<Declared, FfiPlace>; // one for each declaration, made above
}

function findImplementation({ ffi, libc }: Reader, algorithms: number, name: string): number {
  const wanted = new Memory(ffi, 64);
  wanted.setText(0, name);
  const entry = new Memory(ffi, ALGORITHM_BYTES);
  for (let i = 0; i < (algorithms === 0 ? 0 : MOST_ENTRIES); i++) {
    libc.memcpy(entry.at(0), ffi.handle(algorithms + i * ALGORITHM_BYTES), ffi.size(ALGORITHM_BYTES));
    const names = entry.getUint64(0);
    if (names === 0) break;
    if (libc.strcasecmp(ffi.handle(names), wanted.at(0)) === 0) return entry.getUint64(IMPLEMENTATION);
  }
  throw new Error(`OpenSSL's provider does not tell of ${name}.`);
}

/** Addresses by their numbers. Of two under one number the first counts, as it does for EVP. */
function readDispatch({ ffi, libc }: Reader, dispatch: number): ReadonlyMap<number, number> {
  const entry = new Memory(ffi, DISPATCH_BYTES);
  const addresses = new Map<number, number>();
  for (let i = 0; i < MOST_ENTRIES; i++) {
    libc.memcpy(entry.at(0), ffi.handle(dispatch + i * DISPATCH_BYTES), ffi.size(DISPATCH_BYTES));
    const id = entry.view.getInt32(0, true);
    if (id === 0) break;
    if (!addresses.has(id)) addresses.set(id, entry.getUint64(FUNCTION));
  }
  return addresses;
}
