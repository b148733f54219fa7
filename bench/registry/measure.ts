/** How often something can be done in a second, by a few at once; and what a process has used. */
import { readFileSync } from 'node:fs';

/** Of the kernel's clock ticks; what `getconf CLK_TCK` says on every Linux that is in use. */
const TICKS_PER_SECOND = 100;

/** What each of some rounds of this many calls came to, `atOnce` of them at any time; `pid`: the process that is asked. */
export async function perSecond(
  { pid, rounds, calls, atOnce }: { pid: number; rounds: number; calls: number; atOnce: number },
  call: (i: number) => Promise<unknown>,
): Promise<{ rates: number[]; cpuMs: number[] }> {
  let next = 0;
  const [rates, cpuMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const end = next + calls;
    const worker = async (): Promise<void> => {
      // oxlint-disable-next-line no-await-in-loop -- each of them sends one after the other
      while (next < end) await call(next++);
    };
    const [start, before] = [performance.now(), cpuSeconds(pid)];
    // oxlint-disable-next-line no-await-in-loop -- a round after the other
    await Promise.all(Array.from({ length: atOnce }, worker));
    rates.push((1000 * calls) / (performance.now() - start));
    cpuMs.push((1000 * (cpuSeconds(pid) - before)) / calls);
  }
  return { rates, cpuMs };
}

/** Resident memory of a process in MB, as Linux counts it. */
export function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status says nothing of memory`);
  return Number(kilobytes) / 1000;
}

/** Seconds of user and system time that a process has used since it started. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces: proc(5) counts the fields behind it from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
