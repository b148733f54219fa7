/** Addresses and routes of an interface, as `ip` commands in the order and the form of wg-quick(8). */
import type { Config } from '../config/config.ts';
import { UserError } from '../errors.ts';
import { formatCidr, type Cidr } from '../ip.ts';
import type { Ports } from './ports.ts';
import { query, runStep, type CommandLine } from './steps.ts';

type RoutePorts = Pick<Ports, 'processes' | 'terminal'>;

export function addAddress(name: string, address: Cidr): CommandLine {
  return ['ip', `-${address.family}`, 'address', 'add', formatCidr(address), 'dev', name];
}

/**
 * A default route needs a mark, rules and a firewall so that the tunnel's own datagrams stay outside of it. `up` does
 * not set those up; half of it would cut the host off.
 */
export function refuseDefaultRoutes(config: Config, path: string): void {
  const { table } = config.interface;
  if (table !== undefined && table !== 'auto') return;
  const found = config.peers.flatMap((peer) => peer.allowedIps).find((prefix) => prefix.prefixLength === 0);
  if (found === undefined) return;
  throw new UserError(
    `${path}: AllowedIPs = ${formatCidr(found)} would be a default route, which \`peerage up\` does not set up yet.`,
    {
      remedy: 'Use wg-quick for this interface, or add "Table = off" and set the routes yourself.',
    },
  );
}

/** Routes to what lies behind the peers, the longest prefix first. `table` is the file's own. */
export async function addRoutes(
  ports: RoutePorts,
  name: string,
  table: string | undefined,
  prefixes: readonly Cidr[],
): Promise<void> {
  if (table === 'off') return;
  for (const prefix of [...prefixes].sort((a, b) => b.prefixLength - a.prefixLength)) {
    const add: CommandLine = ['ip', `-${prefix.family}`, 'route', 'add', formatCidr(prefix), 'dev', name];
    // One after the other: a prefix may be covered by the one before it.
    if (table !== undefined && table !== 'auto') await runStep(ports, [...add, 'table', table]);
    else if (!(await isRouted(ports, name, prefix))) await runStep(ports, add);
  }
}

/** Takes away routes that `addRoutes` added; one that is not there is no failure. */
export async function removeRoutes(
  ports: RoutePorts,
  name: string,
  table: string | undefined,
  prefixes: readonly Cidr[],
): Promise<void> {
  if (table === 'off') return;
  const where = table === undefined || table === 'auto' ? [] : ['table', table];
  for (const prefix of prefixes) {
    const route = [formatCidr(prefix), 'dev', name, ...where];
    const present = await query(ports, ['ip', `-${prefix.family}`, 'route', 'show', 'exact', ...route]);
    if (present.trim() !== '') await runStep(ports, ['ip', `-${prefix.family}`, 'route', 'delete', ...route]);
  }
}

/** Whether the interface's own addresses or another of its routes cover the prefix already. */
async function isRouted(ports: RoutePorts, name: string, prefix: Cidr): Promise<boolean> {
  const routes = await query(ports, [
    'ip',
    `-${prefix.family}`,
    'route',
    'show',
    'dev',
    name,
    'match',
    formatCidr(prefix),
  ]);
  return routes.trim() !== '';
}
