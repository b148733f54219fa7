/** Addresses, routes and what the kernel decides about one destination, from the JSON of ip(8). */
import { formatAddress, parseCidr, type Cidr, type IpFamily } from '../../ip.ts';
import type { Ports } from '../ports.ts';
import { query } from '../steps.ts';

export interface Route {
  prefix: Cidr;
  device: string;
  gateway: string | undefined;
}

export interface OwnAddress {
  prefix: Cidr;
  device: string;
}

/** Where the kernel sends packets to an address; no device when it sends them nowhere. */
export interface Decision {
  device: string | undefined;
}

type QueryPorts = Pick<Ports, 'processes' | 'terminal'>;

/** The main table. */
export async function listRoutes(ports: QueryPorts): Promise<Route[]> {
  const families: readonly IpFamily[] = [4, 6];
  const texts = await Promise.all(families.map((family) => query(ports, ['ip', '-j', `-${family}`, 'route', 'show'])));
  return texts.flatMap((text, i) =>
    records(text).flatMap((route) => {
      const text = route['dst'] === 'default' ? defaultRoute(families[i]!) : String(route['dst']);
      const prefix = parseCidr(text);
      if (prefix === undefined || typeof route['dev'] !== 'string') return [];
      return { prefix, device: route['dev'], gateway: optionalText(route['gateway']) };
    }),
  );
}

export async function listAddresses(ports: QueryPorts): Promise<OwnAddress[]> {
  return records(await query(ports, ['ip', '-j', 'address'])).flatMap((link) =>
    (Array.isArray(link['addr_info']) ? link['addr_info'] : []).flatMap((info: Record<string, unknown>) => {
      const prefix = parseCidr(`${String(info['local'])}/${String(info['prefixlen'])}`);
      return prefix === undefined || info['scope'] !== 'global' ? [] : { prefix, device: String(link['ifname']) };
    }),
  );
}

/** By all rules and tables. `mark`: of the packet, 0 for none. */
export async function decide(ports: QueryPorts, address: string, mark = 0): Promise<Decision> {
  const marked = mark === 0 ? [] : ['mark', String(mark)];
  const [route] = records(await query(ports, ['ip', '-j', 'route', 'get', address, ...marked]));
  return { device: optionalText(route?.['dev']) };
}

/** As `decide`, for thousands with one process: what it could not decide is missing from its answer. */
export async function decideAll(ports: QueryPorts, addresses: readonly string[]): Promise<Decision[]> {
  const input = addresses.map((address) => `route get ${address}\n`).join('');
  const { stdout } = await ports.processes.run('ip', ['-force', '-j', '-batch', '-'], { input });
  const routes = stdout.split('\n').flatMap(records);
  const devices = new Map(routes.map((route) => [route['dst'], optionalText(route['dev'])]));
  return addresses.map((address) => ({ device: devices.get(address) }));
}

/** An address in a prefix for a look at where it goes: none of this host's own, which go nowhere else. */
export function sampleAddress(prefix: Cidr, own: readonly string[]): string {
  // The first of everything is no destination; these are, and belong to nobody: RFC 7600, RFC 6666.
  if (prefix.prefixLength === 0) return prefix.family === 4 ? '192.0.0.8' : '100::1';
  const candidates = [0, 1, 2, 3].map((low) => {
    const bytes = prefix.bytes.slice();
    const last = bytes.length - 1;
    const hostBits = Math.min(8, 8 * bytes.length - prefix.prefixLength);
    const mask = (1 << hostBits) - 1;
    bytes[last] = (bytes[last]! & ~mask) | (low & mask);
    return formatAddress({ family: prefix.family, bytes });
  });
  const inner = 8 * prefix.bytes.length - prefix.prefixLength >= 2 ? candidates.slice(1) : candidates;
  return inner.find((address) => !own.includes(address)) ?? inner[0]!; // there is at least one
}

function defaultRoute(family: IpFamily): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Objects of a JSON array; nothing for the empty text of a command that failed. */
function records(text: string): Record<string, unknown>[] {
  const parsed: unknown = text.trim() === '' ? [] : JSON.parse(text);
  return Array.isArray(parsed) ? parsed.filter((each) => typeof each === 'object' && each !== null) : [];
}
