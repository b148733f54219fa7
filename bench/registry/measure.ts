/** How often something can be done in a second, by a few at once; and how many bytes a process holds. */
import { readFileSync } from 'node:fs';
import { summarize, type Summary } from '../tunnel/statistics.ts';

const ROUNDS = 3;

/** Calls a second: the median of rounds of this many calls, `atOnce` of them at any time. */
export async function perSecond(calls: number, atOnce: number, call: (i: number) => Promise<void>): Promise<Summary> {
  let next = 0;
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const end = next + calls;
    const worker = async (): Promise<void> => {
      // oxlint-disable-next-line no-await-in-loop -- each of them sends one after the other
      while (next < end) await call(next++);
    };
    const start = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- a round after the other
    await Promise.all(Array.from({ length: atOnce }, worker));
    rates.push((1000 * calls) / (performance.now() - start));
  }
  return summarize(rates);
}

/** Resident memory of a process, as Linux counts it. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status says nothing of memory`);
  return Number(kilobytes) * 1024;
}
