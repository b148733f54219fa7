/** What every FFI adapter must do: numbers as addresses, 64-bit sizes, memory that both sides see, and errno. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ffi } from '../../runtime/linux/ffi.ts';

const EBADF = 9;

export function ffiConformance(ffi: Ffi): void {
  describe(`FFI of ${ffi.name}`, () => {
    const libc = ffi.load('libc.so.6', {
      getpid: ['i', ''],
      close: ['i', 'i'],
      memset: ['p', 'piz'],
      memcpy: ['p', 'ppz'],
      lseek: ['z', 'izi'],
      llabs: ['z', 'z'],
      free: ['v', 'p'],
    });

    test('a call without arguments gives its result', () => {
      assert.equal(libc.getpid(), process.pid);
    });

    test('the library writes into an array at its address', () => {
      const bytes = new Uint8Array(64);
      libc.memset(ffi.handle(ffi.address(bytes) + 3), 0xab, ffi.size(4));
      assert.deepEqual([...bytes.subarray(0, 9)], [0, 0, 0, 0xab, 0xab, 0xab, 0xab, 0, 0]);
    });

    test('an address comes back as a number, and stays the same', () => {
      const bytes = new Uint8Array(1 << 20);
      const address = ffi.address(bytes);
      assert.ok(Number.isSafeInteger(address) && address > 0);
      assert.equal(libc.memset(ffi.handle(address), 1, ffi.size(0)), address);
      assert.equal(ffi.address(bytes), address);
    });

    test('small arrays have memory of their own as well', () => {
      const from = Uint8Array.of(1, 2, 3);
      const to = new Uint8Array(3);
      libc.memcpy(ffi.handle(ffi.address(to)), ffi.handle(ffi.address(from)), ffi.size(3));
      assert.deepEqual(to, from);
    });

    test('sizes keep more than 32 bits', () => {
      assert.equal(libc.llabs(ffi.size(2 ** 40 + 1)), 2 ** 40 + 1);
    });

    test('a failed call gives -1 as an int and as a size, and leaves its errno', () => {
      assert.equal(libc.close(-1), -1);
      assert.equal(ffi.errno(), EBADF);
      assert.equal(libc.lseek(-1, ffi.size(0), 0), -1);
      assert.equal(ffi.errno(), EBADF);
    });

    test('0 is NULL, and a function may return nothing', () => {
      assert.equal(libc.free(ffi.handle(0)) ?? undefined, undefined);
    });

    test('a library and a function that are not there are refused', () => {
      assert.throws(() => ffi.load('libnothing-of-that-name.so.1', {}));
      assert.throws(() => ffi.load('libc.so.6', { no_such_function_anywhere: ['i', ''] }));
    });
  });
}
