/**
 * The FFI port on Deno. Addresses are numbers everywhere but in calls, which take pointer objects: those cost 5 ns an
 * argument where a number for a `usize` costs 81. Every call blocks: errno would not survive the way back from another thread.
 */
import type { Ffi, FfiLibrary, FfiSignature, FfiType, Handle } from '../linux/ffi.ts';

/** A size goes as a pointer object as well: it is 64 bits in the same register. */
const PARAMETERS = { p: 'pointer', i: 'i32', z: 'pointer' } as const;
/** A size comes back signed, because libc says -1 with it. */
const RESULTS = { p: 'pointer', i: 'i32', z: 'i64', v: 'void' } as const;

/** Sizes below this are made into objects once: no packet is larger. */
const CACHED_SIZES = 1 << 17;
const sizes: Deno.PointerValue[] = [];

/** The system's: Deno has BoringSSL inside, under names of its own. */
const LIBCRYPTO = 'libcrypto.so.3';

type Call = (...args: readonly Handle[]) => unknown;

export const ffi: Ffi = {
  name: 'deno',
  load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>) {
    errnoView ??= viewErrno(); // now: between a call and the look at its errno no other may come
    const declarations = Object.entries<FfiSignature>(symbols).map(([name, [result, parameters]]) => {
      const types = Array.from(parameters as Iterable<keyof typeof PARAMETERS>, (letter) => PARAMETERS[letter]);
      return [name, { parameters: types, result: RESULTS[result] }] as const;
    });
    const loaded = Deno.dlopen(library === 'libcrypto' ? LIBCRYPTO : library, Object.fromEntries(declarations));
    const calls = loaded.symbols as Readonly<Record<string, Call>>; // one for each declaration, typed by letters instead
    const functions = Object.entries<FfiSignature>(symbols).map(([name, [result]]) => [
      name,
      withNumber(result, calls[name]!),
    ]);
    return Object.fromEntries(functions) as FfiLibrary<Names>; // one function per name, made above
  },
  address: (bytes) => Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))),
  handle: (address) => Deno.UnsafePointer.create(BigInt(address)),
  size(bytes) {
    if (bytes >= CACHED_SIZES) return Deno.UnsafePointer.create(BigInt(bytes));
    return (sizes[bytes] ??= Deno.UnsafePointer.create(BigInt(bytes)));
  },
  errno: () => errnoView!.getInt32(), // a call came before it, and a load before that
};

/** Ints come as numbers already, and such a function is handed out as Deno made it. */
function withNumber(result: FfiType, call: Call): (...args: readonly Handle[]) => number {
  if (result === 'p') return (...args) => Number(Deno.UnsafePointer.value(call(...args) as Deno.PointerValue)); // as it was declared
  if (result === 'z') return (...args) => Number(call(...args));
  return call as (...args: readonly Handle[]) => number; // an int, or nothing that anybody reads
}

/** Where this thread's errno is. It never moves, and each worker has a module, hence a view, of its own. */
let errnoView: Deno.UnsafePointerView | undefined;

function viewErrno(): Deno.UnsafePointerView {
  const { symbols } = Deno.dlopen('libc.so.6', { __errno_location: { parameters: [], result: 'pointer' } });
  return new Deno.UnsafePointerView(symbols.__errno_location()!); // errno(3): an lvalue, so never NULL
}
