/** A TCP flow through a tunnel that goes on until it is told to stop, and what is seen of it from outside. */
import type { Host } from '../lab/host.ts';
import type { RunningProcess } from '../lab/process.ts';

/** Enough to see that it goes on. */
const PROGRESS_BYTES = 500_000;
/** A machine that does many other things. */
const TIMEOUT_MS = 180_000;

export interface Flow {
  /** Resolves when it has carried as much again. */
  waitForProgress(): Promise<void>;
  stop(): Promise<void>;
}

/** `bitrate`: as iperf3 reads it; 0 is as much as goes through. */
export async function startFlow(from: Host, to: Host, address: string, bitrate: string): Promise<Flow> {
  const server = await to.spawn('iperf3', ['--server', '--one-off', '--interval', '0']);
  await to.waitFor('iperf3 listens', async () => (await to.output('ss', ['-Hlnt', 'sport = :5201'])) !== '');
  const args = ['--client', address, '--time', '3600', '--bitrate', bitrate, '--interval', '0'];
  const client: RunningProcess = await from.spawn('iperf3', args);
  // What the other side has acknowledged: packets that were only sent may still be lost.
  const acknowledged = async (): Promise<number> => {
    const sockets = await from.output('ss', ['-Htin', 'dport = :5201']);
    return Math.max(0, ...Array.from(sockets.matchAll(/bytes_acked:(\d+)/g), ([, bytes]) => Number(bytes)));
  };
  return {
    async waitForProgress() {
      const before = await acknowledged();
      const explain = (): string => `${client.stdout}${client.stderr}`;
      await from.waitFor('the flow goes on', async () => (await acknowledged()) > before + PROGRESS_BYTES, {
        explain,
        timeoutMs: TIMEOUT_MS,
      });
    },
    async stop() {
      await client.stop('SIGKILL');
      await server.stop('SIGKILL');
    },
  };
}
