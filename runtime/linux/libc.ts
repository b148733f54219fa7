/**
 * The C library as this folder calls it, and the kernel's numbers that go with it. They are those of Linux's generic
 * ABI (x86-64, arm64, riscv64): 64-bit, little endian.
 */
import { UserError } from '../../src/errors.ts';
import type { Ffi, FfiFunction, FfiSignature } from './ffi.ts';

const SYMBOLS = {
  open: ['i', 'pi'],
  close: ['i', 'i'],
  read: ['i', 'ipz'],
  write: ['i', 'ipz'],
  readv: ['i', 'ipi'],
  writev: ['i', 'ipi'],
  fcntl: ['i', 'iii'],
  // The request is an unsigned long; the third argument is an address or a number, by the request.
  ioctl: ['i', 'izp'],
  socket: ['i', 'iii'],
  bind: ['i', 'ipi'],
  getsockname: ['i', 'ipp'],
  setsockopt: ['i', 'iiipi'],
  recv: ['i', 'ipzi'],
  recvmsg: ['i', 'ipi'],
  sendmsg: ['i', 'ipi'],
  readlink: ['i', 'ppz'],
  poll: ['i', 'pzi'],
  eventfd: ['i', 'ii'],
  epoll_create1: ['i', 'i'],
  epoll_ctl: ['i', 'iiip'],
  epoll_wait: ['i', 'ipii'],
  inotify_init1: ['i', 'i'],
  inotify_add_watch: ['i', 'ipi'],
  alarm: ['i', 'i'],
  if_nametoindex: ['i', 'p'],
  clock_gettime: ['i', 'ip'],
} as const satisfies Record<string, FfiSignature>;

export type Libc = Readonly<Record<keyof typeof SYMBOLS, FfiFunction>>;

const loaded = new WeakMap<Ffi, Libc>();

/** The same for everybody who asks: on Deno each load takes a millisecond and a half. */
export function loadLibc(ffi: Ffi): Libc {
  const known = loaded.get(ffi);
  if (known !== undefined) return known;
  const libc = ffi.load('libc.so.6', SYMBOLS);
  loaded.set(ffi, libc);
  return libc;
}

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const EBUSY = 16;
export const ENODEV = 19;
export const EINVAL = 22;
export const EBADFD = 77;
export const EMSGSIZE = 90;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETUNREACH = 101;

const MEANINGS: Readonly<Record<number, string>> = {
  [EPERM]: 'operation not permitted',
  [ENOENT]: 'no such file',
  13: 'permission denied',
  [EBUSY]: 'in use already',
  [ENODEV]: 'no such device',
  [EINVAL]: 'invalid argument',
  [EBADFD]: 'no longer attached',
  [EAFNOSUPPORT]: 'address family not supported',
  [EADDRINUSE]: 'port in use already',
  [EADDRNOTAVAIL]: 'address not available',
};

/** A call that failed for a reason outside this program: `cannot bind UDP port 53: permission denied (errno 13)`. */
export class LibcError extends UserError {
  override readonly errno: number;

  constructor(what: string, errno: number, remedy?: string) {
    super(`${what}: ${MEANINGS[errno] ?? 'failed'} (errno ${errno})`, remedy === undefined ? {} : { remedy });
    this.errno = errno;
  }
}
