/**
 * Which of the kernel's threads this one is, and whether one is still there. By /proc, as older C libraries have no name for either
 * system call; where /proc is not mounted nobody knows, and every thread counts as there.
 */
import type { Ffi, FfiFunction } from '../ffi.ts';
import { ENOENT } from '../libc.ts';
import { Memory } from '../memory.ts';

const O_PATH_CLOEXEC = 0x280000;
const TEXT_BYTES = 64;
/** No thread has this number. */
const UNKNOWN = 0;

/** Of this thread, from 1; 0 when nobody knows. */
export function ownThreadId(ffi: Ffi, { readlink }: { readlink: FfiFunction }): number {
  const memory = new Memory(ffi, 2 * TEXT_BYTES);
  memory.setText(0, '/proc/thread-self');
  const length = readlink(memory.at(0), memory.at(TEXT_BYTES), ffi.size(TEXT_BYTES));
  if (length <= 0) return UNKNOWN;
  return Number(/\/task\/(\d+)$/.exec(memory.text(TEXT_BYTES, length))?.[1] ?? UNKNOWN);
}

/** Whether a thread of this process that was there has ended. */
export function isThreadGone(
  ffi: Ffi,
  { open, close }: { open: FfiFunction; close: FfiFunction },
  threadId: number,
): boolean {
  if (threadId === UNKNOWN) return false;
  const memory = new Memory(ffi, TEXT_BYTES);
  memory.setText(0, `/proc/self/task/${threadId}`);
  const fd = open(memory.at(0), O_PATH_CLOEXEC);
  if (fd < 0) return ffi.errno() === ENOENT;
  close(fd);
  return false;
}
