/**
 * The FFI port: loads a shared library and calls it with numbers as addresses.
 *
 * Signature letters, the result first: `p` an address, `i` a 32-bit int, `z` a size (64-bit clean), `v` nothing.
 * A runtime that needs another form of an address (Deno's pointer objects) converts with `handle`, once per slot.
 */

export type FfiType = 'p' | 'i' | 'z' | 'v';
/** `[result, arguments]`, for example `['i', 'ipz']` for `int read(int, void *, size_t)` seen through an int. */
export type FfiSignature = readonly [result: FfiType, parameters: string];

/** What `p` arguments take: a number on Node and Bun, an object on Deno. */
export type Handle = unknown;
export type FfiFunction = (...args: readonly Handle[]) => number;
export type FfiLibrary<Names extends string> = Readonly<Record<Names, FfiFunction>>;

/** A function somewhere in memory. */
export interface FfiPlace {
  readonly address: number;
  readonly signature: FfiSignature;
}

export interface Ffi {
  readonly name: 'node' | 'bun' | 'deno';
  /** `libcrypto` means the one that suits the runtime; any other name goes to dlopen. Throws when it cannot be loaded. */
  load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>): FfiLibrary<Names>;
  /** The same for functions of which nothing but the address is known. Not there where such a call costs more than others. */
  readonly link?: <Names extends string>(functions: Readonly<Record<Names, FfiPlace>>) => FfiLibrary<Names>;
  /** The address of memory that does not move as long as `bytes` is referenced. */
  address(bytes: Uint8Array): number;
  /** An address as a `p` argument; 0 is NULL. */
  handle(address: number): Handle;
  /** A size as a `z` argument. */
  size(bytes: number): Handle;
  /** errno of the last call on this thread. Read it at once. */
  errno(): number;
}
