/** OSSL_PARAM of OpenSSL 3 (core.h, on 64 bits: name, type, data, its size, the returned size): how settings and keys are handed in. */
import type { Memory } from './memory.ts';

/** A list ends with one that is all zero. */
export const OSSL_PARAM_BYTES = 40;
export const OSSL_PARAM_UNSIGNED_INTEGER = 2;
export const OSSL_PARAM_OCTET_STRING = 5;

/** Writes one at `at`; its name, a C string, and its data lie in the same memory, at these offsets. */
export function writeParam(
  memory: Memory,
  at: number,
  { name, type, data, bytes }: { name: number; type: number; data: number; bytes: number },
): void {
  memory.setAddress(at, memory.address + name);
  memory.view.setUint32(at + 8, type, true);
  memory.setAddress(at + 16, memory.address + data);
  memory.setUint64(at + 24, bytes);
}
