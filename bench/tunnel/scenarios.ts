/**
 * What is measured on a pair of tunnels, one function each. A scenario may give several figures; each has a name, a unit
 * and a direction.
 */
import { INSIDE, type Pair } from '../../test/interop/pair.ts';
import { tcp, udp, type Bulk } from './iperf.ts';
import { handshakes } from './handshakes.ts';
import { median } from './statistics.ts';
import { firstPacket } from './first-packet.ts';
import { residentMegabytes } from './usage.ts';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly value: number;
}

export interface Scenario {
  readonly name: string;
  readonly what: string;
  measure(pair: Pair, options: { seconds: number }): Promise<Figure[]>;
}

/** Loss that counts as none: a stray packet at the start says nothing of the rate. */
const NO_LOSS = 0.001;
const SEARCH_STEPS = 5;

export const SCENARIOS: readonly Scenario[] = [
  bulk('tcp-1', 'TCP, one flow', {}),
  bulk('tcp-1-back', 'TCP, one flow, to the initiator', { reverse: true }),
  bulk('tcp-4', 'TCP, four flows', { flows: 4 }),
  bulk('tcp-6', 'TCP over IPv6, one flow', { family: 6 }),
  datagrams('udp-1372', 1372),
  datagrams('udp-64', 64),
  {
    name: 'udp-300',
    what: 'UDP of 1,372 bytes at 300 Mbit/s: what it costs',
    async measure(pair, { seconds }) {
      const { cpuSecondsPerGigabyte } = await udp(pair, { seconds, length: 1372, bitsPerSecond: 300e6 });
      return [cost('udp-300', cpuSecondsPerGigabyte)];
    },
  },
  {
    name: 'rtt',
    what: 'round trip, idle, every 10 ms',
    async measure(pair) {
      return [roundTrip('rtt idle', await pings(pair, 200))];
    },
  },
  {
    name: 'rtt-load',
    what: 'round trip while one TCP flow runs',
    async measure(pair, { seconds }) {
      const [times] = await Promise.all([pings(pair, seconds * 50), tcp(pair, { seconds: seconds + 1 })]);
      return [roundTrip('rtt under load', times)];
    },
  },
  {
    name: 'handshakes',
    what: 'handshakes that a responder completes',
    async measure(pair) {
      const { perSecond, cpuMicroseconds } = await handshakes(pair);
      return [
        { name: 'handshakes', unit: '/s', better: 'higher', value: perSecond },
        { name: 'handshake CPU', unit: 'us', better: 'lower', value: cpuMicroseconds },
      ];
    },
  },
  {
    name: 'first-packet',
    what: 'from the start of a daemon to its first packet answered',
    async measure(pair) {
      const { fromStartMs, fromUpMs } = await firstPacket(pair);
      return [
        { name: 'start to first packet', unit: 'ms', better: 'lower', value: fromStartMs },
        { name: 'up to first packet', unit: 'ms', better: 'lower', value: fromUpMs },
      ];
    },
  },
  {
    name: 'memory',
    what: 'resident memory, each end, at its most',
    async measure({ initiator, responder }) {
      const { most } = await residentMegabytes([initiator, responder]);
      return [{ name: 'memory loaded', unit: 'MB', better: 'lower', value: most }];
    },
  },
];

function bulk(name: string, what: string, options: Omit<Parameters<typeof tcp>[1], 'seconds'>): Scenario {
  return {
    name,
    what,
    async measure(pair, { seconds }) {
      const { gigabitsPerSecond, cpuSecondsPerGigabyte }: Bulk = await tcp(pair, { seconds, ...options });
      return [{ name, unit: 'Gbit/s', better: 'higher', value: gigabitsPerSecond }, cost(name, cpuSecondsPerGigabyte)];
    },
  };
}

/** Received at full speed, and the highest offered rate that gets through whole. */
function datagrams(name: string, length: number): Scenario {
  return {
    name,
    what: `UDP of ${length} bytes: received at full speed, and at the highest rate without loss`,
    async measure(pair, { seconds }) {
      const full = await udp(pair, { seconds, length, bitsPerSecond: 0 });
      const whole = await rateWithoutLoss(pair, {
        seconds: Math.max(1, seconds / 2),
        length,
        most: full.receivedPerSecond,
      });
      return [
        { name: `${name} received`, unit: 'packets/s', better: 'higher', value: full.receivedPerSecond },
        { name: `${name} without loss`, unit: 'packets/s', better: 'higher', value: whole },
        cost(name, full.cpuSecondsPerGigabyte),
      ];
    },
  };
}

async function rateWithoutLoss(
  pair: Pair,
  { seconds, length, most }: { seconds: number; length: number; most: number },
): Promise<number> {
  let low = 0;
  let high = most;
  for (let step = 0; step < SEARCH_STEPS; step++) {
    const rate = step === 0 ? high : (low + high) / 2;
    const { lostShare } = await udp(pair, { seconds, length, bitsPerSecond: rate * length * 8 });
    if (lostShare > NO_LOSS) high = rate;
    else low = rate;
    if (low === high) break;
  }
  return low;
}

/** Milliseconds of each answered ping, 10 ms apart. */
async function pings({ initiator }: Pair, count: number): Promise<number[]> {
  const { stdout } = await initiator.host.run('ping', ['-n', '-i', '0.01', '-c', `${count}`, INSIDE.responder[4]], {
    timeoutMs: count * 10 + 30_000,
  });
  return Array.from(stdout.matchAll(/time=([\d.]+) ms/g), (match) => Number(match[1]));
}

function roundTrip(name: string, times: readonly number[]): Figure {
  return { name, unit: 'ms', better: 'lower', value: median(times) };
}

function cost(name: string, value: number): Figure {
  return { name: `${name} CPU`, unit: 's/GB', better: 'lower', value };
}
