/** The AEADs of the fast path on Node. */
import assert from 'node:assert/strict';
import { onArena } from '../../../src/crypto/arena.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { ffi } from '../../../runtime/node/ffi.ts';
import { createLibcryptoArena } from '../../../runtime/linux/libcrypto-arena.ts';
import { arenaAeadConformance } from '../../conformance/arena-aead.ts';

arenaAeadConformance('noble', (arena) => onArena(nobleCrypto, arena));
arenaAeadConformance('libcrypto', (arena) => createLibcryptoArena(ffi, arena) ?? assert.fail('no libcrypto'));
