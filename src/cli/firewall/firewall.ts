/**
 * The host's firewall and an interface of ours: which rules are missing, adding them when asked to, and taking back
 * exactly those.
 */
import { UserError } from '../../errors.ts';
import type { Ports } from '../ports.ts';
import { query, runStep } from '../steps.ts';
import { findFirewalldOpenings } from './firewalld.ts';
import { findIptablesOpenings, type IptablesProgram } from './iptables.ts';
import { findNftDeletions, findNftOpenings } from './nftables.ts';
import type { Closing, Need, Opening } from './opening.ts';
import { findUfwOpenings } from './ufw.ts';

type FirewallPorts = Pick<Ports, 'processes' | 'terminal' | 'files'>;

/** Read only. ufw and firewalld own the rules below them; without either, nftables and iptables are looked at. */
export async function findOpenings(ports: FirewallPorts, need: Need): Promise<Opening[]> {
  return (
    findUfwOpenings(await query(ports, ['ufw', 'status', 'verbose']), need) ??
    (await findFirewalldOpenings(ports, need)) ??
    (await findRuleOpenings(ports, need))
  );
}

/** Which rules are missing, and the command for each. */
export function describeOpenings(openings: readonly Opening[]): string {
  return openings
    .map(({ firewall, what, add }) => `Note: ${firewall} does not let in ${what}. To allow it:\n  ${quote(add)}\n`)
    .join('');
}

/** Adds the rules, and remembers how to take them back. */
export async function openFirewall(
  ports: FirewallPorts,
  interfaceName: string,
  openings: readonly Opening[],
): Promise<void> {
  if (openings.length === 0) return;
  // Written first: a rule that is there but forgotten would stay for ever.
  const closings = [...(await readClosings(ports, interfaceName)), ...openings.map((opening) => opening.remove)];
  await ports.files.write(statePath(interfaceName), `${JSON.stringify(closings, undefined, 2)}\n`, { mode: 0o600 });
  for (const { add } of openings) await runStep(ports, add);
}

/** Takes back what `openFirewall` added. A rule that somebody else removed in the meantime is only mentioned. */
export async function closeFirewall(ports: FirewallPorts, interfaceName: string): Promise<void> {
  const closings = await readClosings(ports, interfaceName);
  if (closings.length === 0) return;
  const commands = await Promise.all(closings.map((closing) => closingCommands(ports, closing)));
  const unique = new Map(commands.flat().map((command) => [command.join(' '), command]));
  for (const command of unique.values()) {
    try {
      await runStep(ports, command);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      ports.terminal.stderr(`Warning: ${error.message}\n`);
    }
  }
  await ports.files.remove(statePath(interfaceName));
}

async function findRuleOpenings(ports: FirewallPorts, need: Need): Promise<Opening[]> {
  const hasIptables = await ports.processes.has('iptables');
  const ruleset = await query(ports, ['nft', '-j', 'list', 'ruleset']);
  const programs: readonly IptablesProgram[] = hasIptables ? ['iptables', 'ip6tables'] : [];
  const fromIptables = await Promise.all(
    programs.map(async (program) => findIptablesOpenings(program, await query(ports, [program, '-S', 'INPUT']), need)),
  );
  return [...findNftOpenings(ruleset, need, { skipIptables: hasIptables }), ...fromIptables.flat()];
}

async function closingCommands(ports: FirewallPorts, closing: Closing) {
  if (closing.type === 'command') return [closing.command];
  return findNftDeletions(await query(ports, ['nft', '-j', 'list', 'ruleset']), closing.comment);
}

/** Rules of ufw outlive a reboot, so what is known of them has to as well. */
function statePath(interfaceName: string): string {
  return `/var/lib/peerage/${interfaceName}.firewall.json`;
}

async function readClosings(ports: FirewallPorts, interfaceName: string): Promise<Closing[]> {
  const text = await ports.files.read(statePath(interfaceName));
  return text === undefined ? [] : (JSON.parse(text) as Closing[]); // written by openFirewall, mode 0600
}

/** As a person would type it. */
export function quote(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@+-]+$/.test(word) ? word : `'${word}'`)).join(' ');
}
