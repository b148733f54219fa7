/**
 * The FFI port on Bun, over bun:ffi. Addresses are numbers: user space ends at 2^47, far below 2^53.
 *
 * `libcrypto` is the system's: Bun has BoringSSL inside, under names of its own.
 */
import { dlopen, FFIType, linkSymbols, ptr, read, type Pointer } from 'bun:ffi';
import type { Ffi, FfiLibrary, FfiPlace, FfiSignature, FfiType as Letter } from '../linux/ffi.ts';

// `ptr` rather than `u64`: 8 ns for five arguments against 35.
const PARAMETERS: Readonly<Record<Letter, FFIType>> = {
  p: FFIType.ptr,
  i: FFIType.i32,
  z: FFIType.i64_fast,
  v: FFIType.void,
};
/** An address comes back as a number even when it is NULL, a size as a number and signed, because libc says -1 with it. */
const RESULTS: Readonly<Record<Letter, FFIType>> = { ...PARAMETERS, p: FFIType.u64_fast };

const LIBCRYPTO = 'libcrypto.so.3';

/** Where this thread's errno is. It never moves, and each worker has a module of its own. */
const errnoAddress = findErrno();

export const ffi: Ffi = {
  name: 'bun',
  load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>) {
    const declarations = Object.entries<FfiSignature>(symbols).map(([name, signature]) => [name, declare(signature)]);
    const loaded = dlopen(library === 'libcrypto' ? LIBCRYPTO : library, Object.fromEntries(declarations));
    return loaded.symbols as unknown as FfiLibrary<Names>; // one function per name, declared above
  },
  link<Names extends string>(functions: Readonly<Record<Names, FfiPlace>>) {
    const declarations = Object.entries<FfiPlace>(functions).map(([name, { address, signature }]) => [
      name,
      { ...declare(signature), ptr: address as Pointer }, // as Bun has addresses
    ]);
    const linked = linkSymbols(Object.fromEntries(declarations));
    return linked.symbols as unknown as FfiLibrary<Names>; // one function per name, declared above
  },
  address: (bytes) => ptr(bytes),
  handle: (address) => address,
  size: (bytes) => bytes,
  errno: () => read.i32(errnoAddress, 0),
};

function declare([result, parameters]: FfiSignature) {
  return { args: Array.from(parameters as Iterable<Letter>, (letter) => PARAMETERS[letter]), returns: RESULTS[result] };
}

function findErrno(): Pointer {
  const { symbols } = dlopen('libc.so.6', { __errno_location: { args: [], returns: FFIType.ptr } });
  return Number(symbols.__errno_location()) as Pointer; // errno(3): an lvalue, so never NULL
}
