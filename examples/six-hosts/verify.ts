/**
 * What the demo promises, checked: who reaches whom, over both families; the private networks; Redis.
 */
import type { Host } from '../../test/interop/lab/host.ts';
import { waitFor } from '../../test/interop/lab/wait.ts';
import type { Administrator } from './enrol.ts';
import { NETWORK } from './topology.ts';
import type { MemberName, World } from './topology.ts';

type Family = 4 | 6;

export interface Reach {
  from: string;
  to: string;
  ipv4: boolean;
  ipv6: boolean;
}

export interface Service {
  address: string;
  answersTeddy: boolean;
  answersStranger: boolean;
}

export interface MemberStatus {
  name: MemberName;
  addresses: string[];
  /** Where the others reach it: its own word, or what was observed. */
  endpoint: string | null;
  /** Seconds since 1970, of any peer. */
  latestHandshake: number;
  rxBytes: number;
  txBytes: number;
}

/** Hosts behind NAT hear of each other once others have seen them; and a lost first handshake is tried again after 5 s. */
const PATIENCE_MS = 300_000;
const REDIS_PORT = 6379;

interface Target {
  from: { name: string; host: Host };
  to: string;
  addresses: Record<Family, string>;
}

/** All 30 ordered pairs of members. `onProgress` gets the number of answers so far. */
export async function checkPairs(
  world: World,
  statuses: readonly MemberStatus[],
  onProgress: (answered: number, wanted: number) => void,
): Promise<Reach[]> {
  const targets = statuses.flatMap(({ name: from }) =>
    statuses
      .filter(({ name }) => name !== from)
      .map(({ name: to, addresses }) => ({
        from: { name: from, host: world.members[from] },
        to,
        addresses: byFamily(addresses),
      })),
  );
  return checkAll(targets, onProgress);
}

/** Each member, and each device of the other site, to each device. */
export async function checkSites(world: World): Promise<Reach[]> {
  const members = Object.entries(world.members).map(([name, host]) => ({ name, host }));
  const targets = world.devices.flatMap(({ site, host: device }) => {
    const others = world.devices.filter(({ host }) => host !== device).map(({ host }) => ({ name: host.name, host }));
    const sources = [...members.filter(({ name }) => name !== site.gateway), ...others];
    return sources.map((from) => ({ from, to: device.name, addresses: site.address(10) }));
  });
  return checkAll(targets, () => {});
}

/** A Redis on dolores that listens on its address in the VPN, asked from within and from outside. */
export async function checkRedis(world: World, statuses: readonly MemberStatus[]): Promise<Service> {
  const { dolores, teddy } = world.members;
  const address = byFamily(statuses.find(({ name }) => name === 'dolores')!.addresses)[4];
  const options = [
    '--bind',
    address,
    '--port',
    `${REDIS_PORT}`,
    '--protected-mode',
    'no',
    '--save',
    '',
    '--dir',
    '/run/tmp',
  ];
  await dolores.spawn('redis-server', options);
  await dolores.waitFor('Redis listens', () => ask(dolores, address));
  const outside = await Promise.all([ask(world.stranger, '203.0.113.54'), ask(world.stranger, address)]);
  return { address, answersTeddy: await ask(teddy, address), answersStranger: outside.includes(true) };
}

/** What `peerage ls` and `wg show` say of each member. */
export async function readStatuses(world: World, administrator: Administrator): Promise<MemberStatus[]> {
  const listed = JSON.parse(await administrator.run('ls', '--network', NETWORK.name, '--json')) as {
    name: MemberName;
    addresses: string[];
    endpoint: string | null;
    observedEndpoint: string | null;
  }[];
  return Promise.all(
    listed.map(async ({ name, addresses, endpoint, observedEndpoint }) => {
      const dump = await world.members[name].output('wg', ['show', 'wg0', 'dump']);
      const peers = dump
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t').map(Number));
      return {
        name,
        addresses,
        endpoint: endpoint ?? observedEndpoint,
        latestHandshake: Math.max(0, ...peers.map((fields) => fields[4]!)),
        rxBytes: sum(peers.map((fields) => fields[5]!)),
        txBytes: sum(peers.map((fields) => fields[6]!)),
      };
    }),
  );
}

async function checkAll(
  targets: readonly Target[],
  onProgress: (answered: number, wanted: number) => void,
): Promise<Reach[]> {
  let answered = 0;
  const probe = async ({ from, addresses }: Target, family: Family): Promise<boolean> => {
    try {
      await waitFor('it answers', () => from.host.canPing(addresses[family]), { timeoutMs: PATIENCE_MS });
    } catch {
      return false;
    }
    answered += 1;
    onProgress(answered, 2 * targets.length);
    return true;
  };
  return Promise.all(
    targets.map(async (target) => {
      const [ipv4, ipv6] = await Promise.all([probe(target, 4), probe(target, 6)]);
      return { from: target.from.name, to: target.to, ipv4, ipv6 };
    }),
  );
}

async function ask(host: Host, address: string): Promise<boolean> {
  const { stdout } = await host.run('timeout', ['2', 'redis-cli', '-h', address, '-p', `${REDIS_PORT}`, 'PING']);
  return stdout.trim() === 'PONG';
}

/** One address of each family, without its prefix length. */
function byFamily(addresses: readonly string[]): Record<Family, string> {
  const [v4, v6] = [false, true].map((colon) => addresses.find((address) => address.includes(':') === colon));
  if (v4 === undefined || v6 === undefined) throw new Error(`not an address of each family: ${addresses.join(', ')}`);
  return { 4: v4.split('/')[0]!, 6: v6.split('/')[0]! };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
