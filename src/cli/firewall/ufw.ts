/** ufw(8), by the output of `ufw status verbose`. */
import type { CommandLine } from '../steps.ts';
import { ruleComment, whatFromPeers, whatFromTunnel, type Need, type Opening } from './opening.ts';

/** Undefined when ufw is not what filters here. */
export function findUfwOpenings(status: string, need: Need): Opening[] | undefined {
  if (!/^Status: active$/m.test(status)) return undefined;
  if (/^Default: allow \(incoming\)/m.test(status)) return [];
  const allowed = [...status.matchAll(/^(?<to>\S.*?) {2,}ALLOW(?: IN)? {2,}Anywhere *(?:#.*)?$/gm)].map(
    (match) => match.groups?.['to'] ?? '',
  );
  const { interfaceName, listenPort } = need;
  const openings: Opening[] = [];
  if (listenPort !== undefined && !allowed.some((to) => coversPort(to, listenPort)))
    openings.push(opening(need, whatFromPeers(listenPort), ['allow', `${listenPort}/udp`]));
  if (!allowed.includes(`Anywhere on ${interfaceName}`))
    openings.push(opening(need, whatFromTunnel(interfaceName), ['allow', 'in', 'on', interfaceName]));
  return openings;
}

/** `55867/udp`, `55867`, `50000:60000/udp`. */
function coversPort(to: string, port: number): boolean {
  const match = /^(?<from>\d+)(?::(?<upTo>\d+))?(?:\/udp)?$/.exec(to)?.groups;
  const from = Number(match?.['from']);
  return port >= from && port <= Number(match?.['upTo'] ?? from);
}

function opening(need: Need, what: string, rule: readonly string[]): Opening {
  const add: CommandLine = ['ufw', ...rule, 'comment', ruleComment(need.interfaceName)];
  return { firewall: 'ufw', what, add, remove: { type: 'command', command: ['ufw', 'delete', ...rule] } };
}
