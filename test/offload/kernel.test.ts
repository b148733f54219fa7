import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJavascriptOffload, createOffload, createWasmOffload } from '../../src/offload/wasm-kernel.ts';
import { checkOffloadKernel } from '../conformance/offload-kernel.ts';

checkOffloadKernel('javascript', createJavascriptOffload);
checkOffloadKernel('wasm', (bytes) => {
  const offload = createWasmOffload(bytes);
  assert.ok(offload, 'this runtime has WebAssembly with SIMD');
  return offload;
});

test('the fastest kernel that there is, is the one in WebAssembly', () => {
  assert.equal(createOffload(1).kernel.name, 'wasm');
});
