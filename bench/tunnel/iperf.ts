/** Traffic by iperf3 through a tunnel, with what the daemons of both ends spent on it. */
import { INSIDE, PORT, type Family, type Pair } from '../../test/interop/pair.ts';
import { parseReceiverDrops } from './drops.ts';
import { cpuSeconds } from './usage.ts';

/** The documented part of `iperf3 --json` that is read here. */
interface Report {
  readonly end: {
    readonly sum_received?: Sum;
    readonly sum?: Sum;
  };
  readonly error?: string;
}
interface Sum {
  readonly bytes: number;
  readonly seconds: number;
  readonly packets?: number;
  readonly lost_packets?: number;
  readonly lost_percent?: number;
}

export interface Bulk {
  readonly gigabitsPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

export interface Datagrams {
  readonly receivedPerSecond: number;
  /** Lost on the way: not what iperf3 was too slow to fetch from its own socket. */
  readonly lostShare: number;
  readonly cpuSecondsPerGigabyte: number;
}

/** An iperf3 server on the responder, for as long as the pair lives. */
export async function startServer({ responder }: Pair): Promise<void> {
  await responder.host.spawn('iperf3', ['--server']);
  await responder.host.waitFor(
    'iperf3 listens',
    async () => (await responder.host.output('ss', ['-Hlnt', 'sport = :5201'])) !== '',
  );
}

export async function tcp(
  pair: Pair,
  {
    seconds,
    flows = 1,
    family = 4,
    reverse = false,
  }: { seconds: number; flows?: number; family?: Family; reverse?: boolean },
): Promise<Bulk> {
  const args = ['--parallel', `${flows}`, ...(reverse ? ['--reverse'] : [])];
  const { report, cpu } = await run(pair, seconds, family, args);
  const { bytes, seconds: took } = report.end.sum_received!; // a TCP report has it
  return { gigabitsPerSecond: (bytes * 8) / took / 1e9, cpuSecondsPerGigabyte: cpu / (bytes / 1e9) };
}

/** `bitsPerSecond`: 0 for as fast as the sender can. */
export async function udp(
  pair: Pair,
  { seconds, length, bitsPerSecond }: { seconds: number; length: number; bitsPerSecond: number },
): Promise<Datagrams> {
  const args = ['--udp', '--length', `${length}`, '--bitrate', `${Math.round(bitsPerSecond)}`];
  const before = await receiverDrops(pair);
  const { report, cpu } = await run(pair, seconds, 4, args);
  const lostAtTheEnd = (await receiverDrops(pair)) - before;
  const { packets = 0, lost_packets: lost = 0, seconds: took } = report.end.sum!; // a UDP report has it
  const received = packets - lost;
  return {
    receivedPerSecond: received / took,
    lostShare: packets === 0 ? 1 : Math.max(0, lost - lostAtTheEnd) / packets,
    cpuSecondsPerGigabyte: cpu / ((received * length) / 1e9),
  };
}

/** Datagrams that found the socket of iperf3 full, since the namespace began. */
async function receiverDrops({ responder }: Pair): Promise<number> {
  const [counters, sockets] = await Promise.all(
    ['/proc/net/snmp', '/proc/net/udp'].map((file) => responder.host.output('cat', [file])),
  );
  return parseReceiverDrops(counters!, sockets!, PORT); // one for each file
}

async function run(
  pair: Pair,
  seconds: number,
  family: Family,
  args: readonly string[],
): Promise<{ report: Report; cpu: number }> {
  const { initiator, responder } = pair;
  const before = await cpuSeconds([initiator, responder]);
  const text = await initiator.host.output(
    'iperf3',
    ['--json', '--client', INSIDE.responder[family], '--time', `${seconds}`, ...args],
    { timeoutMs: (seconds + 30) * 1000 },
  );
  const cpu = (await cpuSeconds([initiator, responder])) - before;
  const report = JSON.parse(text) as Report; // its documented format
  if (report.error !== undefined) throw new Error(`iperf3: ${report.error}`);
  return { report, cpu };
}
