/** A worker that reads a table between gate and gate: all of it says the same, and what its generation said. */
import { parentPort, workerData } from 'node:worker_threads';
import { leave, mustStop, passGate, type Role, sleep, wake } from '../../../src/plane/gate.ts';

interface Data {
  words: Int32Array;
  table: Int32Array;
  role: Role;
  sleeps: boolean;
}

const { words, table, role, sleeps } = workerData as Data; // as gate.test.ts starts it
const counter = role === 'outbound' ? 62 : 63;
const report = { torn: 0, stale: 0 };
let generation = -1;
let value = -1;
wake(words, role);
while (!mustStop(words)) {
  const next = passGate(words, role);
  const first = table[0]!;
  for (let i = 1; i < 32; i++) if (table[i] !== first) report.torn++;
  // The same generation, so the same table; another one, so another value.
  if (generation === next ? first !== value : first === value && generation >= 0) report.stale++;
  generation = next;
  value = first;
  const batches = Atomics.add(table, counter, 1);
  if (!sleeps || batches % 3 > 0) continue;
  sleep(words, role);
  Atomics.wait(words, 40, 0, 1);
  wake(words, role);
}
leave(words, role);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort has no origin
parentPort!.postMessage(report);
