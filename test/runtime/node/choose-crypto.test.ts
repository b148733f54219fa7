/** Which crypto provider is chosen on Node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCrypto } from '../../../runtime/linux/choose-crypto.ts';
import { runtime } from '../../../runtime/node/runtime.ts';
import { UserError } from '../../../src/errors.ts';

test('the fastest provider is chosen unless another is asked for', async () => {
  assert.equal((await chooseCrypto(runtime)).name, 'libcrypto');
  for (const name of ['libcrypto', 'node', 'noble']) assert.equal((await chooseCrypto(runtime, name)).name, name);
});

test('without FFI the next provider is chosen', async () => {
  const loadFfi = () => Promise.reject(new Error('Cannot find the native Koffi module'));
  assert.equal((await chooseCrypto({ ...runtime, loadFfi })).name, 'node');
});

test('an unknown provider is refused with the names of those that work', async () => {
  for (const name of ['rot13', '', 'toString'])
    await assert.rejects(
      chooseCrypto(runtime, name),
      (error) =>
        error instanceof UserError &&
        error.message.includes(`"${name}"`) &&
        error.remedy === 'Choose one of: libcrypto, node, noble.' &&
        error.exitCode === 2,
    );
});
