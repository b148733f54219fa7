/** Knows a database that another process has been writing to for longer than a write waits: SQLITE_BUSY, in the words of all engines. */

const LOCKED = /database is locked/;

/** Nothing was changed then, and the same may be asked again. */
export function isWriteLocked(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (LOCKED.test(cause.message)) return true;
  return false;
}
