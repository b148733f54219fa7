/** The FFI adapter of Bun. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ffi } from '../../../runtime/bun/ffi.ts';
import { Memory } from '../../../runtime/linux/memory.ts';
import { ffiConformance } from '../../conformance/ffi.ts';

ffiConformance(ffi);

test('a function of which the address is known is called like any other', () => {
  const { dlsym } = ffi.load('libc.so.6', { dlsym: ['p', 'pp'] });
  const name = new Memory(ffi, 16);
  name.setText(0, 'memcpy');
  const { copy } = ffi.link!({ copy: { address: dlsym(ffi.handle(0), name.at(0)), signature: ['p', 'ppz'] } }); // Bun has it
  const to = new Memory(ffi, 16);
  assert.equal(copy(to.at(0), name.at(0), ffi.size(6)), to.address);
  assert.equal(to.text(0, 16), 'memcpy');
});
