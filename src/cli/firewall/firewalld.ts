/** firewalld: rules of the running firewall only, so that a restart of it leaves none of ours behind. */
import type { Ports } from '../ports.ts';
import { query, type CommandLine } from '../steps.ts';
import { whatFromPeers, whatFromTunnel, type Need, type Opening } from './opening.ts';

/** Undefined when firewalld is not what filters here. */
export async function findFirewalldOpenings(
  ports: Pick<Ports, 'processes' | 'terminal'>,
  { interfaceName, listenPort }: Need,
): Promise<Opening[] | undefined> {
  const ask = async (...args: string[]): Promise<string> => (await query(ports, ['firewall-cmd', ...args])).trim();
  if ((await ask('--state')) !== 'running') return undefined;
  const openings: Opening[] = [];
  if (listenPort !== undefined && (await ask(`--query-port=${listenPort}/udp`)) !== 'yes')
    openings.push(opening(whatFromPeers(listenPort), [], `port=${listenPort}/udp`));
  // An administrator who put the interface into a zone has decided what may pass.
  if ((await ask(`--get-zone-of-interface=${interfaceName}`)) === '')
    openings.push(opening(whatFromTunnel(interfaceName), ['--zone=trusted'], `interface=${interfaceName}`));
  return openings;
}

function opening(what: string, zone: readonly string[], subject: string): Opening {
  const command = (verb: string): CommandLine => ['firewall-cmd', ...zone, `--${verb}-${subject}`];
  return {
    firewall: 'firewalld',
    what,
    add: command('add'),
    remove: { type: 'command', command: command('remove') },
  };
}
