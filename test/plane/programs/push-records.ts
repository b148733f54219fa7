/** A thread that pushes numbered records as fast as there is room for them. */
import { workerData } from 'node:worker_threads';
import { RingWriter } from '../../../src/plane/ring.ts';

const { memory, records } = workerData as { memory: SharedArrayBuffer; records: number }; // as ring.test.ts starts it
const writer = new RingWriter(memory);
const bytes = new Uint8Array(64);
for (let i = 0; i < records; i++) {
  const length = i % 61;
  for (let at = 0; at < length; at++) bytes[at] = (i + at) & 0xff;
  while (!writer.push(i % 1000, [i], bytes, 0, length)) writer.waitForReader(1000);
}
