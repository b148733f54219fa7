/**
 * A default route through a tunnel, by the scheme of wg-quick(8) ("improved rule-based routing").
 *
 * The route lives in a table of its own. Two rules lead there: what carries the tunnel's mark, its own datagrams, does not
 * go in; and the main table comes first, except for its default route, so that the networks on the wire stay reachable.
 */
import { formatCidr, parseAddress, type Cidr, type IpAddress, type IpFamily } from '../../ip.ts';
import type { Ports } from '../ports.ts';
import { query, runStep, showStep, StepError, tryStep, type CommandLine, type Step } from '../steps.ts';
import { changeTunnel, describeTunnel } from '../tunnel.ts';
import {
  iptablesGuard,
  iptablesGuardMark,
  iptablesGuardRemoval,
  nftGuard,
  nftGuardMark,
  nftGuardRemoval,
  nftTable,
  type Guard,
  type IptablesProgram,
} from './guard.ts';

type RoutePorts = Pick<Ports, 'processes' | 'terminal' | 'uapi' | 'crypto' | 'files'>;

/** The first table that is tried, and mark: the usual port, for people to recognise. */
const FIRST_TABLE = 51820;
const SOURCE_MARK_SETTING = 'net.ipv4.conf.all.src_valid_mark';

export function isDefaultRoute(prefix: Cidr): boolean {
  return prefix.prefixLength === 0;
}

/** Marks the tunnel, unless it has a mark, and sets route, rules and firewall. */
export async function addDefaultRoute(ports: RoutePorts, name: string, prefix: Cidr): Promise<void> {
  const { family } = prefix;
  await removeLeftoverRules(ports, name, [family]);
  const mark = (await describeTunnel(ports, name)).fwmark || (await setFreeMark(ports, name));
  for (const command of routeCommands(name, prefix, mark)) await runStep(ports, command);
  const addresses = readAddresses(await query(ports, ['ip', '-o', `-${family}`, 'addr', 'show', 'dev', name]));
  if (family === 4) await letMarksChooseTheSource(ports);
  const guard: Guard = { name, family, mark, addresses };
  await runStep(ports, (await ports.processes.has('nft')) ? nftGuard(guard) : iptablesGuard(guard));
}

/** Takes back what `addDefaultRoute` did for one family, while the interface stays. */
export async function removeDefaultRoute(ports: RoutePorts, name: string, prefix: Cidr): Promise<void> {
  const { fwmark } = await describeTunnel(ports, name);
  if (fwmark === 0) return;
  await removeRules(ports, fwmark, [prefix.family]);
  await tryStep(ports, routeCommands(name, prefix, fwmark, 'delete')[0]!);
  await removeGuard(ports, name, [prefix.family]);
}

/** Rules that lead to the table of an interface, which is about to be deleted. Its routes go with it. */
export async function removeDefaultRules(ports: RoutePorts, name: string, table: string | undefined): Promise<void> {
  if (table !== undefined && table !== 'auto') return;
  const { fwmark, peers } = await describeTunnel(ports, name);
  if (fwmark !== 0 && peers.some((peer) => peer.allowedIps.some(isDefaultRoute))) await removeRules(ports, fwmark);
}

/**
 * Rules of an interface that went on its own. Only its guard still knows the mark, so this comes before `removeGuard`. A table
 * with routes in it belongs to an interface that is there, which may have taken the number since.
 */
export async function removeLeftoverRules(
  ports: RoutePorts,
  name: string,
  families: readonly IpFamily[] = [4, 6],
): Promise<void> {
  for (const family of families) {
    const mark = await readGuardMark(ports, name, family);
    if (mark === undefined || (await hasRoutes(ports, mark, family))) continue;
    const rules = await query(ports, ['ip', `-${family}`, 'rule', 'show']);
    for (const command of leftoverDeletions(family, rules, mark)) await tryStep(ports, command);
  }
}

async function readGuardMark(ports: RoutePorts, name: string, family: IpFamily): Promise<number | undefined> {
  const table = ['nft', 'list', 'table', family === 4 ? 'ip' : 'ip6', nftTable(name)] as const;
  const mark = (await ports.processes.has('nft')) ? nftGuardMark(await query(ports, table)) : undefined;
  if (mark !== undefined || !(await ports.processes.has('iptables'))) return mark;
  return iptablesGuardMark(name, await query(ports, [family === 4 ? 'iptables-save' : 'ip6tables-save']));
}

/** Looks for rules in nftables and in iptables: whoever made them may have had the one, or the other. */
export async function removeGuard(
  ports: RoutePorts,
  name: string,
  families: readonly IpFamily[] = [4, 6],
): Promise<void> {
  const removals: (Step | undefined)[] = [];
  if (await ports.processes.has('nft'))
    removals.push(nftGuardRemoval(name, await query(ports, ['nft', 'list', 'tables']), families));
  if (await ports.processes.has('iptables'))
    for (const family of families) {
      const program: IptablesProgram = family === 4 ? 'iptables' : 'ip6tables';
      removals.push(iptablesGuardRemoval(name, program, await query(ports, [`${program}-save`])));
    }
  for (const removal of removals) if (removal !== undefined) await tryStep(ports, removal);
}

/** Route, and the two rules; the last added is looked at first. */
function routeCommands(
  name: string,
  prefix: Cidr,
  mark: number,
  verb: 'add' | 'delete' = 'add',
): readonly CommandLine[] {
  const ip = ['ip', `-${prefix.family}`] as const;
  const table = String(mark);
  return [
    [...ip, 'route', verb, formatCidr(prefix), 'dev', name, 'table', table],
    [...ip, 'rule', verb, 'not', 'fwmark', table, 'table', table],
    [...ip, 'rule', verb, 'table', 'main', 'suppress_prefixlength', '0'],
  ];
}

/** One command for each rule there is. @param rules The output of `ip rule show`. */
export function ruleDeletions(family: IpFamily, rules: string, mark: number): CommandLine[] {
  const lines = rules.split('\n');
  const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  const remove = (...words: string[]): CommandLine => ['ip', `-${family}`, 'rule', 'delete', 'table', ...words];
  return [
    ...Array.from({ length: count(new RegExp(`lookup ${mark}\\b`)) }, () => remove(String(mark))),
    ...Array.from({ length: count(/from all lookup main suppress_prefixlength 0/) }, () =>
      remove('main', 'suppress_prefixlength', '0'),
    ),
  ];
}

/** As `ruleDeletions`, but other interfaces keep their rule for the main table: one goes with each rule for the mark. */
export function leftoverDeletions(family: IpFamily, rules: string, mark: number): CommandLine[] {
  const all = ruleDeletions(family, rules, mark);
  const [main, marked] = [true, false].map((isMain) => all.filter((command) => command.includes('main') === isMain));
  return [...marked!, ...main!.slice(0, marked!.length)];
}

/** Addresses of an interface in the output of `ip -o addr show`; those of the other end are not its own. */
export function readAddresses(text: string): IpAddress[] {
  return [...text.matchAll(/ inet6? ([\da-f:.]+)\/\d+/g)].flatMap(([, address = '']) => parseAddress(address) ?? []);
}

async function removeRules(ports: RoutePorts, mark: number, families: readonly IpFamily[] = [4, 6]): Promise<void> {
  for (const family of families) {
    const rules = await query(ports, ['ip', `-${family}`, 'rule', 'show']);
    for (const command of ruleDeletions(family, rules, mark)) await tryStep(ports, command);
  }
}

/** The number of the first table that nobody uses becomes the mark as well. */
async function setFreeMark(ports: RoutePorts, name: string): Promise<number> {
  let table = FIRST_TABLE;
  while ((await hasRoutes(ports, table, 4)) || (await hasRoutes(ports, table, 6))) table += 1;
  showStep(ports, `wg set ${name} fwmark ${table}`);
  await changeTunnel(ports, name, { fwmark: table });
  return table;
}

async function hasRoutes(ports: RoutePorts, table: number, family: IpFamily): Promise<boolean> {
  return (await query(ports, ['ip', `-${family}`, 'route', 'show', 'table', String(table)])) !== '';
}

/** In a container the settings of the kernel are often read-only, but may be right already. */
async function letMarksChooseTheSource(ports: RoutePorts): Promise<void> {
  try {
    await runStep(ports, ['sysctl', '-q', `${SOURCE_MARK_SETTING}=1`]);
  } catch (error) {
    const present = await ports.files.read(`/proc/sys/${SOURCE_MARK_SETTING.replaceAll('.', '/')}`);
    if (!(error instanceof StepError) || present?.trim() !== '1') throw error;
  }
}
