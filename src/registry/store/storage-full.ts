/** Knows a full disk, or a full D1 database, by what the engines say: they have no error code in common. */

/**
 * SQLITE_FULL in the words of SQLite; a log whose index cannot grow (SQLITE_IOERR); D1's own limit. Better a broken disk called
 * full than a full one called a failure of the registry: both are the administrator's to mend.
 */
const FULL = /database or disk is full|disk I\/O error|SQLITE_FULL|maximum DB size/i;

export function isStorageFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (FULL.test(cause.message)) return true;
  return false;
}
