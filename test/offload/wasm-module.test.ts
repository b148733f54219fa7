import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildWasm, WASM_MODULES } from '../../runtime/node/build-wasm.ts';

for (const module of WASM_MODULES) {
  test(`the embedded module is what src/wasm/${module.source}.ts compiles to`, async () => {
    assert.equal(await buildWasm(module), readFileSync(module.target, 'utf8'), 'run node runtime/node/build-wasm.ts');
  });
}
