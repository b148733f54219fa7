/** A full disk or database is known by the words of whoever says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStorageFull } from '../../../src/registry/store/storage-full.ts';

test('the words of each engine for having no room left are known, however deep they are wrapped', () => {
  for (const text of [
    'database or disk is full',
    'SQLITE_FULL: database or disk is full',
    'disk I/O error',
    // D1, with and without what its client puts before it.
    'Exceeded maximum DB size',
    'D1_ERROR: Exceeded maximum DB size: SQLITE_FULL',
    'D1_ERROR: Exceeded maximum DB size.',
  ]) {
    assert.equal(isStorageFull(new Error(text)), true, text);
    const wrapped = new Error('Failed query: insert into "hosts"', {
      cause: new Error('x', { cause: new Error(text) }),
    });
    assert.equal(isStorageFull(wrapped), true, text);
  }
});

test('no other failure is taken for it', () => {
  for (const text of ['D1_ERROR: too many SQL variables', 'UNIQUE constraint failed: hosts.name', 'database is locked'])
    assert.equal(isStorageFull(new Error(text)), false, text);
  for (const error of ['database or disk is full', undefined, null, { message: 'disk I/O error' }])
    assert.equal(isStorageFull(error), false);
});
