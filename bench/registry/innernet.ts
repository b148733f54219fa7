/** What innernet-server does in a second, of what can be compared: hosts that join, and the list of all hosts. */
import { randomBytes } from 'node:crypto';
import { createClient, type Ask } from './client.ts';
import { addressOf, HOSTS_CIDR, startInnernet, type MeasuredInnernet } from './innernet-server.ts';
import { perSecond, residentMegabytes } from './measure.ts';
import { listCalls, rateFigures, type Figures } from './throughput.ts';

const AT_ONCE = 20;
const JOINING = 100;
const DAY_SECONDS = 86_400;

export async function measureInnernet(
  program: string,
  { hosts, rounds }: { hosts: number; rounds: number },
): Promise<Figures[]> {
  const innernet = await startInnernet(program, hosts);
  const { pid, url, publicKey } = innernet;
  const client = createClient(url, (localAddress) => ({
    localAddress,
    headers: { 'x-innernet-server-key': publicKey },
  }));
  try {
    const size = `${hosts.toLocaleString('en')} hosts`;
    const state = () => client.ask('GET', '/v1/user/state', addressOf(0), 200);
    const list = JSON.parse((await state()).body) as { peers: unknown[] };
    if (list.peers.length !== hosts + 1) throw new Error(`${list.peers.length} peers of ${hosts} and the server`);
    const calls = listCalls(hosts);
    const lists = await perSecond({ pid, rounds, calls, atOnce: 4 }, state);
    return [
      ...rateFigures('full list as JSON', size, lists),
      ...(await measureJoining(innernet, client.ask, { hosts, rounds, size })),
      { figure: `resident memory, ${size}`, unit: 'MB', better: 'lower', values: [residentMegabytes(pid)] },
    ];
  } finally {
    client.close();
    await innernet.close();
  }
}

/** An administrator's invitation and the host's answer to it: two calls where ours is one, each told, and both together. */
async function measureJoining(
  innernet: MeasuredInnernet,
  ask: Ask,
  { hosts, rounds, size }: { hosts: number; rounds: number; size: string },
): Promise<Figures[]> {
  const round = { pid: innernet.pid, rounds: 1, calls: JOINING, atOnce: AT_ONCE };
  const [added, redeemed, both]: Rates[] = [0, 1, 2].map(() => ({ rates: [], cpuMs: [] }));
  for (let first = hosts; first < hosts + rounds * JOINING; first += JOINING) {
    // oxlint-disable-next-line no-await-in-loop -- a round after the other
    const add = await perSecond(round, (i) =>
      ask('POST', '/v1/admin/peers', addressOf(0), 201, { body: invitation(first + i) }),
    );
    innernet.takeOver(Array.from({ length: JOINING }, (_, i) => addressOf(first + i)));
    // oxlint-disable-next-line no-await-in-loop -- as above
    const redeem = await perSecond(round, (i) =>
      ask('POST', '/v1/user/redeem', addressOf(first + i), 204, { body: { public_key: newKey() } }),
    );
    const [addRate, addCpu, redeemRate, redeemCpu] = [add.rates[0]!, add.cpuMs[0]!, redeem.rates[0]!, redeem.cpuMs[0]!];
    for (const [to, rate, cpu] of [
      [added!, addRate, addCpu],
      [redeemed!, redeemRate, redeemCpu],
      [both!, 1 / (1 / addRate + 1 / redeemRate), addCpu + redeemCpu],
    ] as const) {
      to.rates.push(rate);
      to.cpuMs.push(cpu);
    }
  }
  return [
    ...rateFigures('enrolments', size, both!),
    ...rateFigures('of them invitations', size, added!),
    ...rateFigures('of them redemptions', size, redeemed!),
  ];
}

interface Rates {
  readonly rates: number[];
  readonly cpuMs: number[];
}

function invitation(i: number): object {
  const expires = Math.floor(Date.now() / 1000) + DAY_SECONDS;
  return {
    name: `new-${i}`,
    ip: addressOf(i),
    cidr_id: HOSTS_CIDR,
    public_key: newKey(),
    persistent_keepalive_interval: 25,
    is_admin: false,
    is_disabled: false,
    is_redeemed: false,
    invite_expires: { secs_since_epoch: expires, nanos_since_epoch: 0 },
  };
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}
