/**
 * Measures all stages on the runtime that runs it, and prints nanoseconds per packet as a line of JSON. Started by main.ts in a
 * network namespace.
 *
 * Other work on the machine makes a sample longer and never shorter, so of many short samples the shortest counts.
 */
import { runtime } from '../../test/runtime/this-runtime.ts';
import { BATCH } from './sizes.ts';
import { createStages, type Measured } from './stages.ts';
import type { StageFigures } from './table.ts';

const SAMPLES = 300;
/** Some 300 packets a sample: longer than the clock is coarse, shorter than a time slice. */
const BATCHES = 8;

const ffi = await runtime.loadFfi();
const figures: Record<string, StageFigures> = {};
for (const { name, ours, limit } of createStages(ffi)) {
  let best = Infinity;
  let bestLimit = Infinity;
  for (let sample = 0; sample < SAMPLES; sample++) {
    best = Math.min(best, nanosecondsPerPacket(ours));
    if (limit !== undefined) bestLimit = Math.min(bestLimit, nanosecondsPerPacket(limit));
  }
  figures[name] = { ours: best, limit: limit === undefined ? undefined : bestLimit };
}
console.log(JSON.stringify(figures));

function nanosecondsPerPacket({ prepare, run }: Measured): number {
  prepare?.(BATCHES);
  const start = performance.now();
  for (let batch = 0; batch < BATCHES; batch++) run();
  return ((performance.now() - start) * 1e6) / (BATCHES * BATCH);
}
