import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerage } from './peerage.ts';

test('peerage licences says where the licences are, when the packages lie beside it', async () => {
  const { exitCode, stdout, stderr } = await peerage(['licences']);
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.match(stdout, /^Peerage is under the MIT License.*node_modules/);
});
