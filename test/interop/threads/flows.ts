/** Many TCP flows both ways through a tunnel at once, each of which is looked at for itself. */
import type { Host } from '../lab/host.ts';

/** Enough to see that a flow goes on. */
const PROGRESS_BYTES = 100_000;
/** A machine that does many other things. */
const TIMEOUT_MS = 240_000;
const PORT = '5201';

export interface Flows {
  /** Resolves when each flow has carried as much again. */
  waitForProgress(what: string): Promise<void>;
  stop(): Promise<void>;
}

/** `count` flows each way. `bitrate` of each: as iperf3 reads it. */
export async function startFlows(
  from: Host,
  to: Host,
  { address, count, bitrate }: { address: string; count: number; bitrate: string },
): Promise<Flows> {
  const server = await to.spawn('iperf3', ['--server', '--one-off', '--interval', '0']);
  await to.waitFor('iperf3 listens', async () => (await to.output('ss', ['-Hlnt', `sport = :${PORT}`])) !== '');
  const args = ['--client', address, '--bidir', '--parallel', String(count), '--bitrate', bitrate, '--time', '3600'];
  const client = await from.spawn('iperf3', [...args, '--interval', '0']);

  /** What each sender's other side has acknowledged, by their ports. */
  async function acknowledged(): Promise<Map<string, number>> {
    const sent = new Map<string, number>();
    for (const [host, filter] of [
      [from, `dport = :${PORT}`],
      [to, `sport = :${PORT}`],
    ] as const)
      for (const line of (await host.output('ss', ['-HtinO', filter])).split('\n')) {
        const [, , , local, remote] = line.split(/\s+/);
        const bytes = Number(/bytes_acked:(\d+)/.exec(line)?.[1] ?? 0);
        sent.set(`${local} ${remote}`, bytes);
      }
    return sent;
  }

  return {
    async waitForProgress(what) {
      const before = await acknowledged();
      const explain = (): string => `${client.stdout}${client.stderr}`;
      const goOn = async (): Promise<boolean> => {
        const now = await acknowledged();
        const progressed = [...now].filter(([flow, bytes]) => bytes > (before.get(flow) ?? 0) + PROGRESS_BYTES);
        return progressed.length === 2 * count;
      };
      await from.waitFor(`every flow goes on: ${what}`, goOn, { explain, timeoutMs: TIMEOUT_MS });
    },
    async stop() {
      await client.stop('SIGKILL');
      await server.stop('SIGKILL');
    },
  };
}
