import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IndexTable } from '../../src/device/index-table.ts';

describe('the index table', () => {
  it('draws again when an index is taken', () => {
    const draws = [1, 1, 1, 2];
    const table = new IndexTable<string>(() => Uint8Array.of(draws.shift()!, 0, 0, 0));
    assert.equal(table.allocate('a'), 1);
    assert.equal(table.allocate('b'), 2);
    assert.deepEqual([table.get(1), table.get(2)], ['a', 'b']);
  });

  it('uses all 32 bits, as an unsigned number', () => {
    const table = new IndexTable<string>(() => Uint8Array.of(0xfe, 0xff, 0xff, 0xff));
    assert.equal(table.allocate('a'), 0xffff_fffe);
  });

  it('forgets what is freed', () => {
    const table = new IndexTable<string>(() => new Uint8Array(4));
    table.free(table.allocate('a'));
    assert.equal(table.get(0), undefined);
    assert.equal(table.allocate('b'), 0);
    assert.equal(table.size, 1);
  });
});
