/** Addresses and routes of an interface, as `ip` commands in the order and the form of wg-quick(8). */
import { formatCidr, type Cidr, type IpFamily } from '../ip.ts';
import type { Ports } from './ports.ts';
import { addDefaultRoute, isDefaultRoute, removeDefaultRoute } from './quick/default-route.ts';
import { query, runStep, type CommandLine } from './steps.ts';

/** Of what is left out. */
const NAMED_AT_MOST = 3;

type RoutePorts = Pick<Ports, 'processes' | 'terminal' | 'uapi' | 'crypto' | 'files'>;

export async function addAddresses(ports: RoutePorts, name: string, addresses: readonly string[]): Promise<void> {
  const family = (address: string): IpFamily => (address.includes(':') ? 6 : 4);
  // In the order of the file: the first is the source address of choice.
  for (const address of await usable(ports, name, addresses, family))
    await runStep(ports, ['ip', `-${family(address)}`, 'address', 'add', address, 'dev', name]);
}

/** Routes to what lies behind the peers. `table` is the file's own. */
export async function addRoutes(
  ports: RoutePorts,
  name: string,
  table: string | undefined,
  prefixes: readonly Cidr[],
): Promise<void> {
  if (table === 'off' || prefixes.length === 0) return;
  for (const prefix of await usable(ports, name, sortPrefixes(prefixes), ({ family }) => family)) {
    const add: CommandLine = ['ip', `-${prefix.family}`, 'route', 'add', formatCidr(prefix), 'dev', name];
    // One after the other: a prefix may be covered by the one before it.
    if (!isAutomatic(table)) await runStep(ports, [...add, 'table', table]);
    else if (isDefaultRoute(prefix)) await addDefaultRoute(ports, name, prefix);
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
  const where = isAutomatic(table) ? [] : ['table', table];
  for (const prefix of prefixes) {
    if (isAutomatic(table) && isDefaultRoute(prefix)) {
      await removeDefaultRoute(ports, name, prefix);
      continue;
    }
    const route = [formatCidr(prefix), 'dev', name, ...where];
    const present = await query(ports, ['ip', `-${prefix.family}`, 'route', 'show', 'exact', ...route]);
    if (present.trim() !== '') await runStep(ports, ['ip', `-${prefix.family}`, 'route', 'delete', ...route]);
  }
}

/** The longest first; those of one length by their text, backwards, as `sort -nr` leaves them. */
export function sortPrefixes(prefixes: readonly Cidr[]): Cidr[] {
  const text = new Map(prefixes.map((prefix) => [prefix, formatCidr(prefix)]));
  return [...prefixes].sort(
    (a, b) => b.prefixLength - a.prefixLength || (text.get(a)! < text.get(b)! ? 1 : -1), // all of them are in the map
  );
}

function isAutomatic(table: string | undefined): table is 'auto' | undefined {
  return table === undefined || table === 'auto';
}

/** Whether the interface's own addresses or another of its routes cover the prefix already. */
async function isRouted(ports: RoutePorts, name: string, prefix: Cidr): Promise<boolean> {
  const show = ['route', 'show', 'dev', name, 'match', formatCidr(prefix)];
  return (await query(ports, ['ip', `-${prefix.family}`, ...show])).trim() !== '';
}

/** Without those of IPv6 where the interface has none: it is missing from the kernel, switched off, or the MTU is below 1280. */
async function usable<Item extends string | Cidr>(
  ports: RoutePorts,
  name: string,
  items: readonly Item[],
  familyOf: (item: Item) => IpFamily,
): Promise<readonly Item[]> {
  const leftOut = items.filter((item) => familyOf(item) === 6);
  if (leftOut.length === 0) return items;
  const isOff = await ports.files.read(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
  if (isOff?.trim() === '0') return items;
  const texts = leftOut.slice(0, NAMED_AT_MOST).map((item) => (typeof item === 'string' ? item : formatCidr(item)));
  const more = leftOut.length > NAMED_AT_MOST ? ` and ${leftOut.length - NAMED_AT_MOST} more` : '';
  ports.terminal.stderr(`Warning: ${name} has no IPv6 on this host, left out: ${texts.join(', ')}${more}\n`);
  return items.filter((item) => familyOf(item) === 4);
}
