/**
 * Designs a network: ranges, port, an address for each host in each range, and the subnets behind them.
 */
import type { RandomBytes } from '../clock.ts';
import { UserError } from '../errors.ts';
import { cidr, formatAddress, formatCidr, overlaps, type Cidr } from '../ip.ts';
import { allocateAddress } from './addresses.ts';
import { randomPort } from './port.ts';
import { randomIpv4Range, randomUlaRange } from './ranges.ts';

export interface PlanRequest {
  hosts: readonly HostRequest[];
  /** Domain of the names inside the VPN: `vpn.example.net`. */
  suffix?: string | undefined;
  ipv4?: Cidr | undefined;
  ipv6?: Cidr | undefined;
  port?: number | undefined;
}

export interface HostRequest {
  name: string;
  /** Name or address that others reach it by, and a port when it is not the network's. */
  endpoint?: { host: string; port?: number | undefined } | undefined;
  subnets: readonly Cidr[];
}

export interface NetworkPlan {
  suffix: string | undefined;
  ipv4: Cidr;
  ipv6: Cidr;
  port: number;
  hosts: readonly PlannedHost[];
}

export interface PlannedHost {
  name: string;
  listenPort: number;
  endpoint: { host: string; port: number } | undefined;
  /** With the prefix length of the network. */
  addresses: readonly [ipv4: Cidr, ipv6: Cidr];
  subnets: readonly Cidr[];
}

/** Throws a UserError when the request contradicts itself. */
export function planNetwork(request: PlanRequest, random: RandomBytes): NetworkPlan {
  const subnets = request.hosts.flatMap((host) => host.subnets.map((range) => ({ owner: host.name, range })));
  const ipv4 = request.ipv4 ?? randomIpv4Range(random, { avoid: subnets.map(({ range }) => range) });
  if (ipv4 === undefined) throw new UserError('the subnets leave no room for an IPv4 range in 10.0.0.0/8');
  const ipv6 = request.ipv6 ?? randomUlaRange(random);
  refuseOverlaps([{ owner: 'the network', range: ipv4 }, { owner: 'the network', range: ipv6 }, ...subnets]);

  const port = request.port ?? randomPort(random);
  const taken = new Set<string>();
  const hosts = request.hosts.map((host): PlannedHost => {
    const endpoint = host.endpoint && { host: host.endpoint.host, port: host.endpoint.port ?? port };
    const addresses = [take(ipv4, taken, random), take(ipv6, taken, random)] as const;
    return { name: host.name, listenPort: endpoint?.port ?? port, endpoint, addresses, subnets: host.subnets };
  });
  refuseSharedEndpoints(hosts);
  return { suffix: request.suffix, ipv4, ipv6, port, hosts };
}

function take(range: Cidr, taken: Set<string>, random: RandomBytes): Cidr {
  const address = allocateAddress(range, taken, random);
  if (address === undefined)
    throw new UserError(`${formatCidr(range)} has no address left`, { remedy: 'Choose a larger range.' });
  taken.add(formatAddress(address));
  return cidr(address, range.prefixLength);
}

function refuseOverlaps(ranges: readonly { owner: string; range: Cidr }[]): void {
  ranges.forEach((a, i) => {
    const b = ranges.slice(i + 1).find((other) => overlaps(a.range, other.range));
    if (b === undefined) return;
    throw new UserError(
      `${formatCidr(a.range)} of ${a.owner} and ${formatCidr(b.range)} of ${b.owner} overlap: packets could go to one only`,
      { exitCode: 2 },
    );
  });
}

function refuseSharedEndpoints(hosts: readonly PlannedHost[]): void {
  const owners = new Map<string, string>();
  for (const { name, endpoint } of hosts) {
    if (endpoint === undefined) continue;
    const where = `${endpoint.host.toLowerCase()} port ${endpoint.port}`;
    const owner = owners.get(where);
    if (owner !== undefined)
      throw new UserError(`${owner} and ${name} would both listen at ${where}`, {
        remedy: `Give one of them another port: --endpoint ${name}=ADDRESS:PORT`,
        exitCode: 2,
      });
    owners.set(where, name);
  }
}
