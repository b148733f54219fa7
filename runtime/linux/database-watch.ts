/** Notices what other processes write to a database that is open here: a backup that is put back, for one. */
import { clearInterval, setInterval } from 'node:timers';
import type { OpenDatabase } from './database.ts';

const LOOK_MS = 1000;

/** Calls `changed` within a second of a commit of another connection. Gives what ends that; it keeps no process alive. */
export async function watchDatabase(database: OpenDatabase, changed: () => Promise<void>): Promise<() => void> {
  // Counts the commits of others, and costs no more than a look into shared memory.
  const count = async (): Promise<unknown> => (await database.prepare('PRAGMA data_version').raw())[0]?.[0];
  let known = await count();
  const look = async (): Promise<void> => {
    const present = await count();
    if (present === known) return;
    await changed();
    known = present; // not where that failed: then it is tried again
  };
  // What fails here fails for whoever asks, too, and is told there.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS).unref();
  return () => clearInterval(timer);
}
