/** What a registry does in a second in a network of some size, and what one change costs it. */
import { randomBytes } from 'node:crypto';
import type { Ask } from './client.ts';
import { versionOf } from './client.ts';
import { cpuSeconds, perSecond, residentMegabytes } from './measure.ts';
import type { MeasuredRegistry } from './server.ts';
import { untilHeld } from './waiting.ts';

const AT_ONCE = 20;
/** The busiest hosts stay below the limit of what one may ask. */
const MOST_CHANGES = 60;

export interface Figures {
  readonly figure: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly values: readonly number[];
}

/** Hosts whose keys are needed. */
export const HOSTS_ASKING = 101;

export async function measureThroughput(
  registry: MeasuredRegistry,
  ask: Ask,
  { hosts, rounds }: { hosts: number; rounds: number },
): Promise<Figures[]> {
  const { hostKeys, token } = registry;
  const keyOf = (i: number): string => hostKeys[i % hostKeys.length]!; // there is one at least
  const size = `${hosts.toLocaleString('en')} hosts`;
  const rate = async (figure: string, calls: number, atOnce: number, call: (i: number) => Promise<unknown>) => {
    return rateFigures(figure, size, await perSecond({ pid: registry.pid, rounds, calls, atOnce }, call));
  };

  const lists = await Promise.all(hostKeys.map((key) => ask('GET', '/v1/peers', key, 200)));
  const unchanged = await rate('unchanged (304)', 1500, AT_ONCE, (i) =>
    ask('GET', '/v1/peers', keyOf(i), 304, { etag: lists[i % lists.length]!.etag! }),
  );
  const config = await rate('wg0.conf', listCalls(hosts), 4, (i) => ask('GET', '/v1/config', keyOf(i), 200));
  const full = await rate('full list as JSON', listCalls(hosts), 4, (i) => ask('GET', '/v1/peers', keyOf(i), 200));
  const version = versionOf(lists[0]!);
  await change(registry, ask, 0);
  const difference = await rate('difference of one', 1000, AT_ONCE, (i) =>
    ask('GET', `/v1/peers?since=${version}`, keyOf(2 + (i % (hostKeys.length - 2))), 200),
  );
  const cost = await changeCost(registry, ask, rounds);
  // The last, because the network grows by it.
  const enrolments = await rate('enrolments', 100, AT_ONCE, (i) =>
    ask('POST', '/v1/enroll', token, 201, {
      body: { name: `new-${i}`, publicKey: randomBytes(32).toString('base64') },
    }),
  );
  return [
    ...enrolments,
    ...unchanged,
    ...difference,
    ...config,
    ...full,
    { figure: `a change, for each host that waits, ${size}`, unit: 'CPU ms', better: 'lower', values: cost },
    { figure: `resident memory, ${size}`, unit: 'MB', better: 'lower', values: [residentMegabytes(registry.pid)] },
  ];
}

/** Calls for a full list in a round: fewer of those that are long. */
export function listCalls(hosts: number): number {
  return Math.min(500, Math.max(30, 300_000 / hosts));
}

export function rateFigures(
  figure: string,
  size: string,
  { rates, cpuMs }: { rates: readonly number[]; cpuMs: readonly number[] },
): Figures[] {
  return [
    { figure: `${figure}, ${size}`, unit: '1/s', better: 'higher', values: rates },
    // What a busy machine changes least.
    { figure: `${figure}, each, ${size}`, unit: 'CPU ms', better: 'lower', values: cpuMs },
  ];
}

/** What host-0 sees of host-1: a change that every other host hears of. */
async function change({ hostKeys, publicKeys }: MeasuredRegistry, ask: Ask, i: number): Promise<void> {
  const endpoint = `198.51.100.7:${4500 + i}`;
  const observed = [{ publicKey: publicKeys[1]!, endpoint, latestHandshake: 1_700_000_000 + i }];
  await ask('POST', '/v1/report', hostKeys[0]!, 200, { body: { observed } });
}

/** Milliseconds of CPU that the registry uses for a change, for each of the hosts that hear of it. */
async function changeCost(registry: MeasuredRegistry, ask: Ask, rounds: number): Promise<number[]> {
  const waiting = registry.hostKeys.slice(2);
  const changes = Math.min(Math.floor(MOST_CHANGES / rounds), Math.ceil(1000 / waiting.length));
  const costs: number[] = [];
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    const before = cpuSeconds(registry.pid);
    for (let i = 0; i < changes; i++) {
      // oxlint-disable-next-line no-await-in-loop -- one change after the other
      const version = versionOf(await ask('GET', '/v1/peers', waiting[0]!, 200));
      const answers = waiting.map((key) => ask('GET', `/v1/peers?since=${version}&wait=55`, key, 200));
      // oxlint-disable-next-line no-await-in-loop -- as above
      await untilHeld(registry, ask, waiting.length);
      // oxlint-disable-next-line no-await-in-loop -- as above
      await change(registry, ask, ++done);
      // oxlint-disable-next-line no-await-in-loop -- as above
      await Promise.all(answers);
    }
    costs.push((1000 * (cpuSeconds(registry.pid) - before)) / (changes * waiting.length));
  }
  return costs;
}
