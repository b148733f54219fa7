/**
 * `child.ts PACKETS`: carries so many packets the whole way through the stages of both workers (bench/stages/path.ts), in one
 * thread, on a real TUN and real sockets, and prints the heap before and after. Started by main.ts in a network namespace, with
 * a global function `gc` and the runtime's own log of collections: on V8 that shows the two forced ones, for Bun there are marks.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { runtime } from '../../test/runtime/this-runtime.ts';
import { openPath } from '../stages/path.ts';
import { BATCH } from '../stages/sizes.ts';
import { JSC_MARK, type HeapFigures } from './collections.ts';

/** Batches until everything is compiled. */
const WARM_UP = 5000;
const STDERR = 2;

// --expose-gc puts it there.
const { gc } = globalThis as typeof globalThis & { gc: () => void };
const batches = Math.ceil(Number(process.argv[2]) / BATCH);
const path = openPath(await runtime.loadFfi());
path.aim(path.listening);
carry(WARM_UP);

const before = usedBytes();
carry(batches);
const after = usedBytes();
const figures: HeapFigures = {
  packets: batches * BATCH,
  before: before.heap,
  after: after.heap,
  resident: after.resident,
};
console.log(JSON.stringify(figures));

function carry(count: number): void {
  for (let batch = 0; batch < count; batch++) {
    path.feed();
    path.read();
    path.split();
    path.seal();
    path.send();
    path.receive();
    path.open();
    path.coalesce();
    path.write();
  }
}

function usedBytes(): { heap: number; resident: number } {
  gc();
  if (runtime.name === 'bun') writeSync(STDERR, `${JSC_MARK}\n`);
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, resident: rss };
}
