/** What a daemon has used: CPU time of all its threads, and memory. */
import type { Tunnel } from '../../test/interop/tunnel.ts';

/** Of the kernel's clock ticks; what `getconf CLK_TCK` says on every Linux that is in use. */
const TICKS_PER_SECOND = 100;

/** Seconds of user and system time since the daemons started, added up. */
export async function cpuSeconds(tunnels: readonly Tunnel[]): Promise<number> {
  const each = await Promise.all(
    tunnels.map(async ({ host, daemon }) => {
      const stat = await host.output('cat', [`/proc/${daemon.pid}/stat`]);
      // The name in parentheses may hold spaces: proc(5) counts the fields behind it from 3.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    }),
  );
  return each.reduce((sum, seconds) => sum + seconds, 0);
}

/** Resident memory of one daemon in MB, on average over the tunnels: now, and at most since it started. */
export async function residentMegabytes(tunnels: readonly Tunnel[]): Promise<{ now: number; most: number }> {
  const each = await Promise.all(
    tunnels.map(async ({ host, daemon }) => {
      const status = await host.output('cat', [`/proc/${daemon.pid}/status`]);
      const field = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1000;
      return { now: field('VmRSS'), most: field('VmHWM') };
    }),
  );
  const mean = (key: 'now' | 'most'): number => each.reduce((sum, one) => sum + one[key], 0) / each.length;
  return { now: mean('now'), most: mean('most') };
}
