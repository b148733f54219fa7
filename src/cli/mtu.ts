/** The MTU of an interface when its file names none, as wg-quick(8) finds it: what carries it, less 80 bytes. */
import { formatAddress } from '../ip.ts';
import type { TunnelState } from '../tunnel/state.ts';
import type { Ports } from './ports.ts';
import { query } from './steps.ts';

/** An outer IPv6 header, UDP, and WireGuard's own header and tag. */
const OVERHEAD_BYTES = 40 + 8 + 32;
const ETHERNET_MTU = 1500;

type MtuPorts = Pick<Ports, 'processes' | 'terminal'>;

/** The largest MTU among the routes to the endpoints, else that of the default route, less the overhead. */
export async function chooseMtu(ports: MtuPorts, state: TunnelState): Promise<number> {
  const endpoints = state.peers.flatMap(({ endpoint }) => endpoint ?? []);
  // Of a link-local address there is a route for each interface; wg-quick(8) passes over them.
  const addresses = new Set(
    endpoints.filter(({ scopeId }) => scopeId === 0).map(({ ipAddress }) => formatAddress(ipAddress)),
  );
  const mtus = await Promise.all([...addresses].map((address) => mtuTowards(ports, address)));
  const largest = Math.max(0, ...mtus) || (await defaultMtu(ports)) || ETHERNET_MTU;
  return largest - OVERHEAD_BYTES;
}

/** What path MTU discovery has found stands in a second line. */
async function mtuTowards(ports: MtuPorts, address: string): Promise<number> {
  return routeMtu(ports, await query(ports, ['ip', 'route', 'get', address]));
}

async function defaultMtu(ports: MtuPorts): Promise<number> {
  const [first = ''] = (await query(ports, ['ip', 'route', 'show', 'default'])).split('\n', 1);
  return routeMtu(ports, first);
}

/** The MTU that a route names, else that of its device; 0 when there is no such route. */
export async function routeMtu(ports: MtuPorts, route: string): Promise<number> {
  const device = / dev (\S+)/.exec(route)?.[1];
  return (
    findMtu(route) || (device === undefined ? 0 : findMtu(await query(ports, ['ip', 'link', 'show', 'dev', device])))
  );
}

function findMtu(text: string): number {
  return Number(/ mtu (\d+)/.exec(text)?.[1] ?? 0);
}
