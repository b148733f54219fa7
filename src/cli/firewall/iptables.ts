/** iptables(8) and ip6tables(8), by the output of `iptables -S INPUT`. */
import type { CommandLine } from '../steps.ts';
import { ruleComment, whatFromPeers, whatFromTunnel, type Need, type Opening } from './opening.ts';

export type IptablesProgram = 'iptables' | 'ip6tables';

export function findIptablesOpenings(program: IptablesProgram, rules: string, need: Need): Opening[] {
  const lines = rules.split('\n').map((line) => line.trim());
  const isClosed = lines.some((line) => /^-P INPUT DROP$|^-A INPUT (?:-j DROP|-j REJECT .*)$/.test(line));
  if (!isClosed) return [];
  const accepted = lines.map(matchOfAccept);
  const { interfaceName, listenPort } = need;
  const fromPeers = listenPort === undefined ? [] : ['-p', 'udp', '-m', 'udp', '--dport', String(listenPort)];
  const fromTunnel = ['-i', interfaceName];
  const openings: Opening[] = [];
  if (listenPort !== undefined && !accepted.includes(fromPeers.join(' ')))
    openings.push(opening(program, need, whatFromPeers(listenPort), fromPeers));
  if (!accepted.includes(fromTunnel.join(' ')))
    openings.push(opening(program, need, whatFromTunnel(interfaceName), fromTunnel));
  return openings;
}

/** What `-A INPUT MATCH -j ACCEPT` matches, without its comment; undefined for any other line. */
function matchOfAccept(line: string): string | undefined {
  return /^-A INPUT (.*?) ?-j ACCEPT$/
    .exec(line)?.[1]
    ?.replace(/-m comment --comment (?:"[^"]*"|\S+)/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function opening(program: IptablesProgram, need: Need, what: string, match: readonly string[]): Opening {
  const rule = ['INPUT', ...match, '-m', 'comment', '--comment', ruleComment(need.interfaceName), '-j', 'ACCEPT'];
  const command: CommandLine = [program, '-D', ...rule];
  return { firewall: 'iptables', what, add: [program, '-I', ...rule], remove: { type: 'command', command } };
}
