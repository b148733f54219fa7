/** The C library as the workers call it, and UDP's numbers. */
import type { Ffi, FfiFunction, FfiSignature } from '../ffi.ts';

const SYMBOLS = {
  read: ['i', 'ipz'],
  readv: ['i', 'ipi'],
  writev: ['i', 'ipi'],
  sendmsg: ['i', 'ipi'],
  sendmmsg: ['i', 'ipii'],
  recvmsg: ['i', 'ipi'],
  recvmmsg: ['i', 'ipiip'],
  poll: ['i', 'pzi'],
  epoll_wait: ['i', 'ipii'],
  clock_gettime: ['i', 'ip'],
  readlink: ['i', 'ppz'],
  sched_getscheduler: ['i', 'i'],
  sched_setscheduler: ['i', 'iip'],
} as const satisfies Record<string, FfiSignature>;

export type FastLibc = Readonly<Record<keyof typeof SYMBOLS, FfiFunction>>;

export function loadFastLibc(ffi: Ffi): FastLibc {
  return ffi.load('libc.so.6', SYMBOLS);
}

/** udp.h, and the level of its options. */
export const SOL_UDP = 17;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
