/**
 * The FFI port on Node, over koffi. Addresses are numbers: user space ends at 2^47, far below 2^53.
 *
 * `libcrypto` is Node's own OpenSSL, found in the process itself: loading the system's beside it crashes.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import type { Ffi, FfiLibrary, FfiSignature, FfiType } from '../linux/ffi.ts';

// Not imported: Node reads a CommonJS module for its exports first, 3 ms in each thread.
const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi; // as its types say

// `uintptr_t` rather than `void *`: koffi then takes the number as it is, without looking for an object behind it.
const TYPES: Readonly<Record<FfiType, string>> = { p: 'uintptr_t', i: 'int', z: 'size_t', v: 'void' };
/** A size comes back signed, because libc says -1 with it. */
const RESULTS: Readonly<Record<FfiType, string>> = { ...TYPES, z: 'int64_t' };

export const ffi: Ffi = {
  name: 'node',
  load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>) {
    const loaded = koffi.load(library === 'libcrypto' ? null : library);
    const functions = Object.entries<FfiSignature>(symbols).map(([name, [result, parameters]]) => {
      const types = Array.from(parameters as Iterable<FfiType>, (letter) => TYPES[letter]);
      return [name, loaded.func(name, RESULTS[result], types)];
    });
    return Object.fromEntries(functions) as FfiLibrary<Names>; // one function per name, made above
  },
  address: (bytes) => Number(koffi.address(bytes)),
  handle: (address) => address,
  size: (bytes) => bytes,
  errno: () => koffi.errno(),
};
