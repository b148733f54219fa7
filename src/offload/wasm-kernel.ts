/**
 * The offload kernel in SIMD WebAssembly (src/wasm/offload.ts), on an arena that is its memory.
 */
import { decodeBase64 } from '../bytes.ts';
import { createArena } from './arena.ts';
import { createJavascriptKernel } from './javascript-kernel.ts';
import type { Offload, OffloadKernel } from './kernel.ts';
import { OFFLOAD_WASM } from './wasm-module.ts';

const PAGE_BYTES = 65_536;

interface Exports {
  sum: OffloadKernel['sum'];
  intact: (...parameters: Parameters<OffloadKernel['intact']>) => number;
  countFollowing: OffloadKernel['countFollowing'];
  finishSegments: OffloadKernel['finishSegments'];
}

/** An arena of at least `bytes` with the fastest kernel that this runtime has. */
export function createOffload(bytes: number): Offload {
  return createWasmOffload(bytes) ?? createJavascriptOffload(bytes);
}

export function createJavascriptOffload(bytes: number): Offload {
  const arena = createArena(new ArrayBuffer(wholePages(bytes) * PAGE_BYTES));
  return { arena, kernel: createJavascriptKernel(arena) };
}

/** Undefined where there is no WebAssembly, or none with SIMD. The arena has whole pages of 65,536 bytes. */
export function createWasmOffload(bytes: number): Offload | undefined {
  const code = new Uint8Array(decodeBase64(OFFLOAD_WASM) ?? []);
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined;
  const pages = wholePages(bytes);
  // It cannot grow, so it does not move.
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
  // test/offload/wasm-module.test.ts holds the module to its source, whose exports these are.
  const { sum, intact, countFollowing, finishSegments } = exports as unknown as Exports;
  const kernel: OffloadKernel = {
    name: 'wasm',
    sum,
    intact: (packet, length, ipHeaderBytes, protocol) => intact(packet, length, ipHeaderBytes, protocol) !== 0,
    countFollowing,
    finishSegments,
  };
  return { arena: createArena(memory.buffer), kernel };
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}
