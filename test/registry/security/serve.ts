/**
 * A registry as a process of its own, for tests that kill it: over the file that the first argument names. Prints one line of JSON
 * once it listens, and ends when its parent is gone.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers';
import type { Runtime } from '../../../runtime/linux/runtime.ts';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { SHRINK_AFTER_MS, shrinkHeap } from '../../../runtime/linux/v8-heap.ts';
import { silentLog } from '../../../src/log.ts';

/** Of the runtime at hand: registry-process.ts puts them in. */
export async function serve(adapters: Pick<Runtime, 'openDatabase' | 'startHttpServer'>): Promise<void> {
  const [, , databaseFile] = process.argv;
  if (databaseFile === undefined) throw new TypeError('the first argument names the database file');
  const options = { databaseFile, hostname: '127.0.0.1', port: 0, log: silentLog };
  const { url, adminKey } = await startRegistry(adapters, options);
  process.stdout.write(`${JSON.stringify({ url, adminKey })}\n`);
  setTimeout(shrinkHeap, SHRINK_AFTER_MS).unref(); // as serve-registry.ts has it: what is measured here is that
  process.stdin.resume().once('end', () => process.exit(0));
}
