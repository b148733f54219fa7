/** Which crypto provider is chosen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCrypto } from '../../../runtime/node/choose-crypto.ts';
import { UserError } from '../../../src/errors.ts';

test('the fastest provider is chosen unless another is asked for', () => {
  assert.equal(chooseCrypto().name, 'libcrypto');
  for (const name of ['libcrypto', 'node', 'noble']) assert.equal(chooseCrypto(name).name, name);
});

test('an unknown provider is refused with the names of those that work', () => {
  for (const name of ['rot13', '', 'toString'])
    assert.throws(
      () => chooseCrypto(name),
      (error) =>
        error instanceof UserError &&
        error.message.includes(`"${name}"`) &&
        error.remedy === 'Choose one of: libcrypto, node, noble.' &&
        error.exitCode === 2,
    );
});
