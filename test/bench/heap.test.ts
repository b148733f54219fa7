/** No allocation per packet: 200,000 packets the whole way through the stages of both workers, on each runtime. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureHeap } from '../../bench/heap/run.ts';
import { RUNTIMES } from '../../bench/stages/runtimes.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const PACKETS = 200_000;
/** Eight bytes kept of each packet would be three times that. */
const MOST_GROWTH = 500_000;
/** Young generations begin with a megabyte: an object of a few hundred bytes for each packet would be more collections. */
const FEWEST_PACKETS_A_COLLECTION = 5000;

for (const runtime of RUNTIMES)
  test(`on ${runtime} packets neither grow the heap nor keep the collector busy`, labOptions(), async () => {
    const result = await measureHeap(runtime, PACKETS);
    assert.ok(result.packets >= PACKETS);
    assert.ok(result.after - result.before < MOST_GROWTH, `${result.before} -> ${result.after} bytes`);
    assert.ok(result.collections * FEWEST_PACKETS_A_COLLECTION <= PACKETS, `${result.collections} collections`);
  });
