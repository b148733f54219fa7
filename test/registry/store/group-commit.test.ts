/** Batches that come at the same time share a transaction, and nothing else: on the database of the runtime at hand. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createGroupCommit } from '../../../src/registry/store/group-commit.ts';
import { runtime } from '../../runtime/this-runtime.ts';

describe('batches that come at the same time', () => {
  test('are all there afterwards, but for the one that fails', async (t) => {
    const { insert, ids } = await open(t);
    const outcomes = await Promise.allSettled([insert([1]), insert([2, 3]), insert([4, 2]), insert([5])]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await ids(), [1, 2, 3, 5]);
  });

  test('do not go down with one that loses the whole transaction', async (t) => {
    const { insert, ids } = await open(t);
    const outcomes = await Promise.allSettled([insert([1]), insert([2]), insert([3, 1], 'OR ROLLBACK'), insert([4])]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await ids(), [1, 2, 4]);
  });

  test('are one transaction, up to sixty-four of them, and answered after it', async () => {
    const log: string[] = [];
    const turns: (() => void)[] = [];
    const commit = createGroupCommit({ exec: (query) => log.push(query), soon: (work) => turns.push(work) });
    const answers = Array.from({ length: 65 }, (_, i) => commit(() => i).then(() => log.push('answer')));
    while (turns.length > 0) turns.shift()!();
    await Promise.all(answers);
    const [begun, committed] = ['BEGIN IMMEDIATE', 'COMMIT'].map((text) => log.filter((line) => line === text).length);
    assert.deepEqual([begun, committed, log.filter((line) => line === 'SAVEPOINT member').length], [2, 2, 64]);
    assert(log.indexOf('answer') > log.indexOf('COMMIT'));
  });

  test('are all told when another process does not let them write, and only that once', async () => {
    const log: string[] = [];
    const commit = createGroupCommit({
      exec(query) {
        log.push(query);
        throw new Error('database is locked');
      },
    });
    const outcomes = await Promise.allSettled([commit(() => 1), commit(() => 2)]);
    assert.deepEqual([outcomes.map(({ status }) => status), log], [['rejected', 'rejected'], ['BEGIN IMMEDIATE']]);
  });
});

async function open(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-group-'));
  const database = await runtime.openDatabase(join(folder, 'registry.db'));
  t.after(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });
  await database.prepare('CREATE TABLE hosts(id INTEGER PRIMARY KEY)').run();
  return {
    /** One batch with a statement for each. */
    insert: (ids: readonly number[], or = '') =>
      database.batch(ids.map((id) => database.prepare(`INSERT ${or} INTO hosts VALUES (?)`).bind(id))),
    ids: async () => (await database.prepare('SELECT id FROM hosts ORDER BY id').all()).results.map(({ id }) => id),
  };
}
