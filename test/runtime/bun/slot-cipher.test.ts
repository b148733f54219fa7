/** The workers' AEAD on Bun. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ffi } from '../../../runtime/bun/ffi.ts';
import type { Ffi, FfiFunction } from '../../../runtime/linux/ffi.ts';
import { createWorkerCiphers } from '../../../runtime/linux/fast/worker-ciphers.ts';
import { Memory } from '../../../runtime/linux/memory.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { slotCipherConformance } from '../../conformance/slot-cipher.ts';

slotCipherConformance(ffi, ['provider', 'split', 'whole']);

type Functions = Record<string, FfiFunction>;
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

test('where a provider tells of two functions under one number, the first counts, as it does for EVP', () => {
  const entryBytes = 16;
  const doubled = 6; // of a cipher and of a MAC: what every packet takes
  const { memcpy } = ffi.load('libc.so.6', { memcpy: ['v', 'ppz'] });
  const entry = new Memory(ffi, entryBytes);
  let first = 0;
  let isOver = false;
  /** Behind the last function of each list there is the first one once more, under that number. */
  const memcpyDoubling: FfiFunction = (to, from, size) => {
    if (size !== ffi.size(entryBytes)) return memcpy(to, from, size);
    if (isOver) entry.bytes.fill(0);
    else memcpy(entry.at(0), from, size);
    const isEnd = entry.view.getInt32(0, true) === 0;
    if (first === 0) first = entry.getUint64(8);
    else if (isEnd && !isOver) {
      entry.view.setInt32(0, doubled, true);
      entry.setAddress(8, first);
      isOver = true;
    } else if (isEnd) {
      first = 0;
      isOver = false;
    }
    return memcpy(to, entry.at(0), size);
  };
  assert.equal(createWorkerCiphers(withLoaded({ memcpy: memcpyDoubling }), nobleCrypto)?.mode, 'provider');
});
