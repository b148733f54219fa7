/** Which crypto provider is chosen on a runtime. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCrypto } from '../../runtime/linux/choose-crypto.ts';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import { UserError } from '../../src/errors.ts';
import { keyErasureConformance } from './key-copies.ts';

/** `providers`: those that work there, best first. */
export function chooseCryptoConformance(runtime: Runtime, providers: readonly string[]): void {
  test('the fastest provider is chosen unless another is asked for', async () => {
    assert.equal((await chooseCrypto(runtime)).name, providers[0]);
    for (const name of providers) assert.equal((await chooseCrypto(runtime, name)).name, name);
  });

  test('without FFI the next provider is chosen', async () => {
    const loadFfi = () => Promise.reject(new Error('Cannot find the native Koffi module'));
    assert.equal((await chooseCrypto({ ...runtime, loadFfi })).name, providers[1]);
  });

  keyErasureConformance('wasm', 'destroyed');

  test('an unknown provider is refused with the names of those that work', async () => {
    const others = ['libcrypto', 'wasm', 'node', 'noble'].filter((name) => !providers.includes(name));
    for (const name of ['rot13', '', 'toString', ...others])
      await assert.rejects(
        chooseCrypto(runtime, name),
        (error) =>
          error instanceof UserError &&
          error.message.includes(`"${name}"`) &&
          error.remedy === `Choose one of: ${providers.join(', ')}.` &&
          error.exitCode === 2,
      );
  });
}
