/**
 * A restore as a process of its own, for tests that kill it: puts the files that the later arguments name into the database that the first one
 * names, by turns, as often as the second one says. Prints a line of JSON after each, and ends when its parent is gone.
 */
import process from 'node:process';
import { restoreDatabase } from '../../../runtime/linux/database-restore.ts';
import type { Runtime } from '../../../runtime/linux/runtime.ts';

/** Of the runtime at hand: registry-process.ts puts it in. */
export async function restoreByTurns(adapters: Pick<Runtime, 'openDatabase'>): Promise<void> {
  const [, , to = '', times, ...files] = process.argv;
  const parent = process.stdin.resume().once('end', () => process.exit(0));
  for (let i = 0; i < Number(times); i++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const kept = await restoreDatabase(adapters, { from: files[i % files.length]!, to }); // there is at least one
    process.stdout.write(`${JSON.stringify({ kept })}\n`);
  }
  parent.pause();
}
