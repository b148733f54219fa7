/** The workers' AEAD on Bun. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ffi } from '../../../runtime/bun/ffi.ts';
import type { Ffi } from '../../../runtime/linux/ffi.ts';
import { createWorkerCiphers } from '../../../runtime/linux/fast/worker-ciphers.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { slotCipherConformance } from '../../conformance/slot-cipher.ts';

slotCipherConformance(ffi, ['provider', 'split', 'whole']);

type Functions = Record<string, () => number>;
/** Bun's, with some functions of ours among those of its libraries, or among those that are called by address. */
const withLoaded = (ours: Functions): Ffi => ({
  ...ffi,
  load: (library, symbols) => ({ ...ffi.load(library, symbols), ...ours }),
});
const withLinked = (ours: Functions): Ffi => ({
  ...ffi,
  link: (functions) => ({ ...ffi.link!(functions), ...ours }), // Bun has it
});
const { link: _, ...withoutLink } = ffi;
const LACKING: Readonly<Record<string, Ffi>> = {
  'calls nothing by address': withoutLink,
  'has a provider that does not tell of its algorithms': withLoaded({ OSSL_PROVIDER_query_operation: () => 0 }),
  'has a provider with other names for them': withLoaded({ strcasecmp: () => 1 }),
  'has a provider that computes something else': withLinked({ updateMac: () => 1 }),
  'has a provider that fails': withLinked({ initCipher: () => 0 }),
};

for (const [what, lacking] of Object.entries(LACKING))
  test(`a runtime that ${what} takes the way through EVP`, () => {
    assert.equal(createWorkerCiphers(lacking, nobleCrypto)?.mode, 'split');
  });
