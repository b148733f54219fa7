/** Hosts that wait: what ten thousand of them take, when one change reaches them all, and what they cost while nothing happens. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Ask, type Reply, versionOf } from './client.ts';
import { cpuSeconds, residentMegabytes } from './measure.ts';
import type { MeasuredRegistry } from './server.ts';
import type { Figures } from './throughput.ts';

const WAITING = 10_000;
/** As many as a host may have wait. */
const WAITING_EACH = 8;
/** So many connect at the same time: more than a socket lets wait for being accepted are refused. */
const WAVE = 250;
export const HOSTS_WAITING = Math.ceil(WAITING / WAITING_EACH) + 1;

/** What an agent asks for, how long the look takes, and how often something changes in it. */
const AGENT_WAIT_SECONDS = 10;
const LOOK_SECONDS = 30;
const CHANGES = 5;

export async function measureWaiting(registry: MeasuredRegistry, ask: Ask): Promise<Figures[]> {
  const [first, ...others] = registry.hostKeys;
  const version = versionOf(await ask('GET', '/v1/peers', first!, 200)); // there are more than a thousand
  const before = residentMegabytes(registry.pid);
  const replies: Promise<Reply>[] = [];
  while (replies.length < WAITING) {
    const connected = Array.from({ length: WAVE }, () => {
      const key = others[replies.length % others.length]!; // as above
      return new Promise<void>((resolve) => {
        replies.push(hearNews(ask, key, version, resolve));
      });
    });
    // oxlint-disable-next-line no-await-in-loop -- one wave after the other
    await Promise.all(connected);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await untilHeld(registry, ask, replies.length);
  }
  const held = residentMegabytes(registry.pid) - before;
  const start = performance.now();
  const body = { name: 'news', publicKey: randomBytes(32).toString('base64') };
  await ask('POST', '/v1/enroll', registry.token, 201, { body });
  await Promise.all(replies);
  const milliseconds = performance.now() - start;
  const count = WAITING.toLocaleString('en');
  return [
    { figure: `memory of ${count} waiting requests`, unit: 'MB', better: 'lower', values: [held] },
    { figure: `one change told to ${count} of them`, unit: 'ms', better: 'lower', values: [milliseconds] },
  ];
}

/** Waits as long as it takes: on a busy machine the first may be at the end of their wait before the last have begun. */
async function hearNews(ask: Ask, key: string, version: number, onConnect: () => void): Promise<Reply> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const reply = await ask('GET', `/v1/peers?since=${version}&wait=55`, key, 200, { onConnect });
    if (reply.body.includes('"news"')) return reply;
  }
}

/** Seconds of CPU in a minute of a registry with so many agents that wait, and ten changes a minute. */
export async function measureAgents(registry: MeasuredRegistry, ask: Ask): Promise<Figures[]> {
  const { hostKeys, publicKeys, pid } = registry;
  const over = new AbortController();
  const agent = async (key: string): Promise<void> => {
    let version = versionOf(await ask('GET', '/v1/peers', key, 200));
    while (!over.signal.aborted) {
      const path = `/v1/peers?since=${version}&wait=${AGENT_WAIT_SECONDS}`;
      // oxlint-disable-next-line no-await-in-loop -- an agent asks again when it has been answered
      version = versionOf(await ask('GET', path, key, 200));
    }
  };
  const [observer, , ...waiting] = hostKeys;
  const agents = Promise.all(waiting.map(agent));
  await untilHeld(registry, ask, waiting.length);
  const [start, before] = [performance.now(), cpuSeconds(pid)];
  for (let i = 1; i <= CHANGES; i++) {
    // oxlint-disable-next-line no-await-in-loop -- what is measured is the time that passes
    await setTimeout((1000 * LOOK_SECONDS) / CHANGES);
    const observed = [{ publicKey: publicKeys[1]!, endpoint: `198.51.100.7:${i}`, latestHandshake: 1_700_000_000 + i }];
    // oxlint-disable-next-line no-await-in-loop -- as above
    await ask('POST', '/v1/report', observer!, 200, { body: { observed } });
  }
  const minutes = (performance.now() - start) / 60_000;
  const used = (cpuSeconds(pid) - before) / minutes;
  over.abort();
  await agents;
  const figure = `${waiting.length.toLocaleString('en')} agents that wait, ten changes a minute`;
  return [{ figure, unit: 'CPU s/min', better: 'lower', values: [used] }];
}

/** Resolves when so many requests wait, which the registry itself says. */
export async function untilHeld({ adminKey }: MeasuredRegistry, ask: Ask, count: number): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it is so
    const { body } = await ask('GET', '/v1/metrics', adminKey, 200);
    if (Number(/^peerage_waiting_requests (\d+)$/m.exec(body)?.[1]) >= count) return;
  }
}
