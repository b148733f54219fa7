/**
 * `npm run bench:registry`: what a registry does in a second, in networks of 10, 1,000 and 10,000 hosts, on the runtime that runs this;
 * what one change costs as the network grows; and the memory of hosts that wait. Client and registry share the machine, as two
 * processes over loopback.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { describeMachine } from '../tunnel/machine.ts';
import { perSecond, residentBytes } from './measure.ts';
import { startMeasured, type MeasuredRegistry } from './server.ts';

const SIZES: readonly number[] = process.argv.includes('--waiting') ? [] : [10, 1000, 10_000];
const AT_ONCE = 20;
const WAITING = 10_000;
/** As many as a host may have wait. */
const WAITING_EACH = 8;
/** So many connect at the same time. */
const WAVE = 250;
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

interface Reply {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: string;
}

await main();

async function main(): Promise<void> {
  console.log(
    JSON.stringify({ ...describeMachine(), ...process.versions }, [
      'cpu',
      'cores',
      'load',
      'kernel',
      'node',
      'bun',
      'deno',
    ]),
  );
  console.log(
    '\n| hosts | enrolments/s | 304/s | difference of one/s | wg0.conf/s | wg0.conf, bytes |\n|---|---|---|---|---|---|',
  );
  for (const hosts of SIZES) {
    // oxlint-disable-next-line no-await-in-loop -- one registry after the other has the machine
    const registry = await startMeasured(hosts, Math.min(hosts, AT_ONCE));
    try {
      // oxlint-disable-next-line no-await-in-loop -- as above
      await measureSize(registry, hosts);
    } finally {
      // oxlint-disable-next-line no-await-in-loop -- as above
      await registry.close();
    }
  }
  await measureWaiting();
  agent.destroy();
}

async function measureSize(registry: MeasuredRegistry, hosts: number): Promise<void> {
  const { hostKeys, token, publicKeys } = registry;
  const keyOf = (i: number): string => hostKeys[i % hostKeys.length]!; // there is one at least
  const { etag } = await ask(registry, 'GET', '/v1/peers', keyOf(0), 200);
  const tags = await Promise.all(
    hostKeys.map(async (key) => (await ask(registry, 'GET', '/v1/peers', key, 200)).etag!),
  );
  const unchanged = await perSecond(3000, AT_ONCE, async (i) => {
    await ask(registry, 'GET', '/v1/peers', keyOf(i), 304, { etag: tags[i % tags.length]! });
  });
  const config = await ask(registry, 'GET', '/v1/config', keyOf(0), 200);
  const renders = await perSecond(Math.max(6, Math.round(20_000 / hosts)), 2, async (i) => {
    await ask(registry, 'GET', '/v1/config', keyOf(i), 200);
  });
  // What host-0 sees of host-1 is the one change that every other host hears of.
  const version = Number(etag?.split('.')[1]);
  const observed = [{ publicKey: publicKeys[1]!, endpoint: '198.51.100.7:4500', latestHandshake: 1_700_000_000 }];
  await ask(registry, 'POST', '/v1/report', keyOf(0), 200, { body: { observed } });
  const difference = await perSecond(2000, AT_ONCE, async (i) => {
    await ask(registry, 'GET', `/v1/peers?since=${version}`, keyOf(2 + (i % (hostKeys.length - 2))), 200);
  });
  // The last, because the network grows by it.
  const enrolments = await perSecond(hosts > 1000 ? 30 : 150, AT_ONCE, async (i) => {
    const body = { name: `new-${i}`, publicKey: randomBytes(32).toString('base64') };
    await ask(registry, 'POST', '/v1/enroll', token, 201, { body });
  });
  const cells = [enrolments, unchanged, difference, renders].map(({ median }) =>
    Math.round(median).toLocaleString('en'),
  );
  console.log(`| ${[hosts.toLocaleString('en'), ...cells, config.body.length.toLocaleString('en')].join(' | ')} |`);
}

/** Hosts that wait for a change, and one change for all of them. */
async function measureWaiting(): Promise<void> {
  const hosts = Math.ceil(WAITING / WAITING_EACH) + 1;
  const registry = await startMeasured(hosts, hosts);
  try {
    const [first, ...others] = registry.hostKeys;
    const { etag } = await ask(registry, 'GET', '/v1/peers', first!, 200); // there are more than a thousand
    const version = Number(etag?.split('.')[1]);
    const before = residentBytes(registry.pid);
    const replies: Promise<Reply>[] = [];
    while (replies.length < WAITING) {
      const connected = Array.from({ length: WAVE }, () => {
        const key = others[replies.length % others.length]!; // there are more than a thousand
        return new Promise<void>((resolve) => {
          replies.push(ask(registry, 'GET', `/v1/peers?since=${version}&wait=55`, key, 200, { onConnect: resolve }));
        });
      });
      // oxlint-disable-next-line no-await-in-loop -- more at once than a socket lets wait for being accepted are refused
      await Promise.all(connected);
    }
    // The registry takes requests in the order of their coming: once this one is answered, the others wait.
    await ask(registry, 'GET', '/healthz', first!, 200);
    await ask(registry, 'GET', '/v1/peers', first!, 200);
    const waiting = residentBytes(registry.pid);
    const start = performance.now();
    const body = { name: 'news', publicKey: randomBytes(32).toString('base64') };
    await ask(registry, 'POST', '/v1/enroll', registry.token, 201, { body });
    const heard = (await Promise.all(replies)).filter(({ body: list }) => list.includes('"news"')).length;
    const milliseconds = Math.round(performance.now() - start);
    const megabytes = ((waiting - before) / 1e6).toFixed(0);
    console.log(
      `\n${WAITING} waiting requests: ${megabytes} MB more; one change, told to ${heard} of them in ${milliseconds} ms`,
    );
  } finally {
    await registry.close();
  }
}

/** Throws unless the answer has this status. */
function ask(
  { url }: MeasuredRegistry,
  method: string,
  path: string,
  as: string,
  status: number,
  { body, etag, onConnect }: { body?: object; etag?: string; onConnect?: () => void } = {},
): Promise<Reply> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${as}`,
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': text.length }),
    };
    const asked = request(`${url}${path}`, { method, headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const reply = Buffer.concat(chunks).toString();
        if (answer.statusCode !== status) reject(new Error(`${method} ${path}: ${answer.statusCode} ${reply}`));
        else resolve({ status, etag: answer.headers.etag, body: reply });
      });
    });
    asked.once('socket', (socket) => {
      if (onConnect === undefined) return;
      if (socket.connecting) socket.once('connect', onConnect);
      else onConnect();
    });
    asked.on('error', reject);
    asked.end(text);
  });
}
