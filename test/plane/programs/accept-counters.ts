/** A thread that offers every counter to a window that others share, and marks those that it was let have. */
import { workerData } from 'node:worker_threads';
import { SharedWindow } from '../../../src/plane/replay-windows.ts';

interface Data {
  windows: SharedArrayBuffer;
  row: number;
  /** How often each counter was accepted. */
  accepted: Int32Array;
  /** Threads that have begun, in all and here. */
  begun: Int32Array;
  threads: number;
}

const { windows, row, accepted, begun, threads } = workerData as Data; // as replay-windows.test.ts starts it
const window = new SharedWindow(windows, row);
Atomics.add(begun, 0, 1);
Atomics.notify(begun, 0);
for (let there = Atomics.load(begun, 0); there < threads; there = Atomics.load(begun, 0)) Atomics.wait(begun, 0, there);
for (let counter = 0; counter < accepted.length; counter++)
  if (window.accept(counter)) Atomics.add(accepted, counter, 1);
