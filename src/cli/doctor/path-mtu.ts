/**
 * Whether a full packet of the tunnel fits the path to an endpoint. Where it does not and the routers do not say so, small
 * packets pass and large ones vanish: ssh connects and then hangs.
 *
 * Measured by pings that must not be fragmented, as large as the tunnel's datagrams.
 */
import { parseAddress, type IpFamily } from '../../ip.ts';
import type { Ports } from '../ports.ts';
import { routeMtu } from '../mtu.ts';
import { query } from '../steps.ts';
import { about, type Finding } from './finding.ts';
import { endpointsOf, type Subject } from './subject.ts';

/** IP header, and what else is around a tunnel's packet: UDP, and WireGuard's header and tag. */
const IP_HEADER: Readonly<Record<IpFamily, number>> = { 4: 20, 6: 40 };
const UDP_AND_TRANSPORT_BYTES = 8 + 32;
const ICMP_HEADER_BYTES = 8;
/** Passes everywhere: RFC 791, RFC 8200. */
const SMALLEST: Readonly<Record<IpFamily, number>> = { 4: 576, 6: 1280 };

export interface PathFacts {
  name: string;
  endpoint: string;
  family: IpFamily;
  /** Of the interface. */
  mtu: number;
  /** The largest IP packet that arrived; undefined when no ping is answered there. */
  pathMtu: number | undefined;
  /** Of what carries the datagrams on this host; 0 when there is no route, or it leads into the tunnel itself. */
  linkMtu: number;
}

export async function gatherPaths(ports: Ports, subject: Subject): Promise<PathFacts[]> {
  const { name, tunnel } = subject;
  if (tunnel === undefined) return [];
  const mtu = Number(/ mtu (\d+)/.exec(await query(ports, ['ip', 'link', 'show', 'dev', name]))?.[1] ?? 0);
  return Promise.all(
    endpointsOf(subject).map(async (endpoint) => {
      const { family } = parseAddress(endpoint)!; // formatted from one
      const needed = mtu + IP_HEADER[family] + UDP_AND_TRANSPORT_BYTES;
      const echo = (bytes: number): Promise<Echo> => ping(ports, endpoint, family, bytes, tunnel.fwmark);
      const pathMtu = await largest(echo, SMALLEST[family], needed);
      return { name, endpoint, family, mtu, pathMtu, linkMtu: await linkMtuTowards(ports, endpoint, subject) };
    }),
  );
}

async function linkMtuTowards(ports: Ports, endpoint: string, { name, tunnel }: Subject): Promise<number> {
  const marked = tunnel === undefined || tunnel.fwmark === 0 ? [] : ['mark', String(tunnel.fwmark)];
  const route = await query(ports, ['ip', 'route', 'get', endpoint, ...marked]);
  return route.includes(` dev ${name} `) ? 0 : routeMtu(ports, route);
}

export function checkPath({ name, endpoint, family, mtu, pathMtu, linkMtu }: PathFacts): Finding[] {
  const report = about(name);
  const overhead = IP_HEADER[family] + UDP_AND_TRANSPORT_BYTES;
  // No answer to the largest of them may mean that; what this host itself cannot send needs none.
  if (pathMtu === undefined && linkMtu > 0 && mtu + overhead > linkMtu) {
    const what = `the MTU of ${name} is ${mtu}, and only packets of ${linkMtu - overhead} bytes fit into the ${linkMtu} of what carries them to ${endpoint}`;
    return [report('error', what, remedy(name, linkMtu - overhead))];
  }
  if (pathMtu === undefined)
    return [report('ok', `the path to ${endpoint} could not be measured: no ping is answered there`)];
  if (pathMtu >= mtu + overhead) return [report('ok', `packets of ${mtu} bytes fit the path to ${endpoint}`)];
  const fitting = pathMtu - overhead;
  const what = `only packets of ${fitting} bytes fit the path to ${endpoint}, and the MTU of ${name} is ${mtu}`;
  return [report('error', what, remedy(name, fitting))];
}

function remedy(name: string, mtu: number): string {
  return `ip link set mtu ${mtu} dev ${name}   # and MTU = ${mtu} in its file`;
}

interface Echo {
  isAnswered: boolean;
  /** The largest size, in the words of a router, or of this host that has heard one before. */
  routerMtu: number | undefined;
}

/** The largest size from `low` to `high` that is answered; undefined when not even `low` is. */
async function largest(echo: (bytes: number) => Promise<Echo>, low: number, high: number): Promise<number | undefined> {
  const full = await echo(high);
  if (full.isAnswered) return high;
  let [good, bad] = [low, high];
  const { routerMtu = 0 } = full;
  if (routerMtu >= low && routerMtu < high && (await echo(routerMtu)).isAnswered) return routerMtu;
  if (!(await echo(low)).isAnswered) return undefined;
  // The routers keep silent: by halves.
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if ((await echo(middle)).isAnswered) good = middle;
    else bad = middle;
  }
  return good;
}

/** One of three answers is enough: a path may lose packets of any size. */
async function ping(ports: Ports, address: string, family: IpFamily, bytes: number, mark: number): Promise<Echo> {
  const payload = bytes - IP_HEADER[family] - ICMP_HEADER_BYTES;
  const options = ['-n', '-c', '3', '-i', '0.2', '-W', '1', '-M', 'do', '-s', String(payload)];
  const marked = mark === 0 ? [] : ['-m', String(mark)];
  const { exitCode, stdout, stderr } = await ports.processes.run('ping', [...options, ...marked, address]);
  const mtu = /\bmtu ?= ?(\d+)/.exec(stdout + stderr)?.[1];
  return { isAnswered: exitCode === 0, routerMtu: mtu === undefined ? undefined : Number(mtu) };
}
