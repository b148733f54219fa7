/**
 * Batches that come at the same time, in one transaction: most of what a batch costs is the wait for the disk, and one wait
 * does for all of them. Each keeps what a transaction of its own would give it: wholly or not at all, whatever becomes of
 * the others, and its promise is kept only when the disk has it.
 *
 * 1. Batches that arrive in one turn of the event loop become a group.
 * 2. Each runs between a savepoint and its release; one that fails is rolled back to its savepoint, alone.
 * 3. When the whole transaction is lost (a full disk), nothing of it has happened: each batch runs again by itself.
 */
import type { SyncEngine } from './database.ts';

/** So that nobody else waits long for the end of a group. */
const GROUP_LIMIT = 64;

interface Batch {
  run(): void;
  /** Answers the caller with what `run` came to. */
  settle(): void;
  fail(error: unknown): void;
}

type Engine = Pick<SyncEngine, 'exec' | 'soon'>;

/** Gives a function that runs synchronous work in a transaction, soon. It rejects with what the work throws. */
export function createGroupCommit(engine: Engine): <T>(work: () => T) => Promise<T> {
  let waiting: Batch[] = [];
  const soon = engine.soon ?? queueMicrotask;

  const flush = (): void => {
    const group = waiting.slice(0, GROUP_LIMIT);
    waiting = waiting.slice(GROUP_LIMIT);
    if (waiting.length > 0) soon(flush);
    commitGroup(engine, group);
  };

  return (work) =>
    new Promise((resolve, reject) => {
      let settle = (): void => {};
      const run = (): void => {
        const value = work();
        settle = () => resolve(value);
      };
      if (waiting.push({ run, settle: () => settle(), fail: reject }) === 1) soon(flush);
    });
}

function commitGroup(engine: Engine, group: readonly Batch[]): void {
  if (group.length > 1 && commitTogether(engine, group)) return;
  for (const batch of group) commitAlone(engine, batch);
}

/** False when the transaction was lost as a whole, and nobody has been answered. */
function commitTogether(engine: Engine, group: readonly Batch[]): boolean {
  try {
    begin(engine);
  } catch (error) {
    // Another process writes, and has done so for long: to ask again for each would hold up everything else.
    for (const batch of group) batch.fail(error);
    return true;
  }
  try {
    const answers = group.map((batch) => runMember(engine, batch));
    engine.exec('COMMIT');
    for (const answer of answers) answer();
    return true;
  } catch {
    rollBack(engine);
    return false;
  }
}

/** Throws when SQLite has given up the whole transaction; otherwise gives what to do once it is on the disk. */
function runMember(engine: Engine, batch: Batch): () => void {
  engine.exec('SAVEPOINT member');
  try {
    batch.run();
    engine.exec('RELEASE member');
    return () => batch.settle();
  } catch (error) {
    engine.exec('ROLLBACK TO member');
    engine.exec('RELEASE member');
    return () => batch.fail(error);
  }
}

function commitAlone(engine: Engine, batch: Batch): void {
  try {
    begin(engine);
    batch.run();
    engine.exec('COMMIT');
  } catch (error) {
    rollBack(engine);
    return batch.fail(error);
  }
  batch.settle();
}

/** IMMEDIATE: taking the write lock late could fail halfway when another process writes to the same file. */
function begin(engine: Engine): void {
  engine.exec('BEGIN IMMEDIATE');
}

/** SQLite has rolled back by itself after some errors (a full disk, for one); a second time fails and means nothing. */
function rollBack(engine: Engine): void {
  try {
    engine.exec('ROLLBACK');
  } catch {
    // The error that led here is the one to report.
  }
}
