/** A worker that reads a table between gate and gate: all of it says the same, and what its generation said. */
import { parentPort, workerData } from 'node:worker_threads';
import { leave, mustStop, passGate, sleep, wake } from '../../../src/plane/gate.ts';

interface Data {
  words: Int32Array;
  table: Int32Array;
  worker: number;
  sleeps: boolean;
}

const { words, table, worker, sleeps } = workerData as Data; // as gate.test.ts starts it
const counter = 32 + worker;
/** A word that nobody changes. */
const NEVER = 9;

const report = { torn: 0, stale: 0 };
let generation = -1;
let value = -1;
wake(words, worker);
while (!mustStop(words)) {
  const next = passGate(words, worker);
  const first = table[0]!;
  for (let i = 1; i < 32; i++) if (table[i] !== first) report.torn++;
  // The same generation, so the same table; another one, so another value.
  if (generation === next ? first !== value : first === value && generation >= 0) report.stale++;
  generation = next;
  value = first;
  const batches = Atomics.add(table, counter, 1);
  if (!sleeps || batches % 3 > 0) continue;
  sleep(words, worker);
  Atomics.wait(words, NEVER, 0, 1);
  wake(words, worker);
}
leave(words, worker);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
parentPort!.postMessage(report);
