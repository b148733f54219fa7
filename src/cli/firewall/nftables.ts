/**
 * nftables, by the output of `nft -j list ruleset` (libnftables-json(5)).
 *
 * A chain at the input hook that drops what no rule accepts needs an accepting rule of its own, in every such chain: an
 * accept in one is not final for the others.
 */
import type { CommandLine } from '../steps.ts';
import { ruleComment, whatFromPeers, whatFromTunnel, type Need, type Opening } from './opening.ts';

interface Chain {
  family: string;
  table: string;
  name: string;
  type?: string;
  hook?: string;
  policy?: string;
}

interface Rule {
  family: string;
  table: string;
  chain: string;
  handle: number;
  comment?: string;
  expr: readonly Readonly<Record<string, unknown>>[];
}

/** Chains that iptables(8) keeps in nftables are its own: it does not understand rules that others put there. */
export interface NftOptions {
  skipIptables: boolean;
}

export function findNftOpenings(rulesetJson: string, need: Need, options: NftOptions): Opening[] {
  const { chains, rules } = readRuleset(rulesetJson);
  return chains
    .filter((chain) => isInput(chain) && !(options.skipIptables && isIptables(chain)))
    .flatMap((chain) => {
      const own = rules.filter(
        (rule) => rule.family === chain.family && rule.table === chain.table && rule.chain === chain.name,
      );
      const isClosed = chain.policy === 'drop' || own.some((rule) => isUnconditional(rule, ['drop', 'reject']));
      return isClosed ? missingIn(chain, own, need) : [];
    });
}

/** `nft delete rule ...` for every rule with this comment. */
export function findNftDeletions(rulesetJson: string, comment: string): CommandLine[] {
  return readRuleset(rulesetJson)
    .rules.filter((rule) => rule.comment === comment)
    .map((rule) => ['nft', 'delete', 'rule', rule.family, rule.table, rule.chain, 'handle', String(rule.handle)]);
}

function missingIn(chain: Chain, rules: readonly Rule[], { interfaceName, listenPort }: Need): Opening[] {
  const openings: Opening[] = [];
  const accepts = (matches: (condition: Condition) => boolean): boolean =>
    rules.some((rule) => isAccept(rule) && conditions(rule).every(matches));
  const opening = (what: string, match: readonly string[]): Opening => {
    const comment = ruleComment(interfaceName);
    const where = [chain.family, chain.table, chain.name];
    // Quotes are of nft's own language: its arguments are joined and parsed again.
    const add: CommandLine = ['nft', 'insert', 'rule', ...where, ...match, 'accept', 'comment', `"${comment}"`];
    return { firewall: 'nftables', what, add, remove: { type: 'nft-comment', comment } };
  };
  if (listenPort !== undefined && !accepts((condition) => matchesUdpPort(condition, listenPort)))
    openings.push(opening(whatFromPeers(listenPort), ['udp', 'dport', String(listenPort)]));
  if (!accepts((condition) => matchesInterface(condition, interfaceName)))
    openings.push(opening(whatFromTunnel(interfaceName), ['iifname', `"${interfaceName}"`]));
  return openings;
}

/** One `match` of a rule. A rule with several must hold in all of them. */
interface Condition {
  op: string;
  subject: string;
  right: unknown;
}

function conditions(rule: Rule): Condition[] {
  return rule.expr.flatMap((expression) => {
    const match = expression['match'];
    if (!isRecord(match)) return [];
    const { left, op, right } = match;
    return [{ op: String(op), subject: JSON.stringify(left), right }];
  });
}

function matchesUdpPort({ op, subject, right }: Condition, port: number): boolean {
  if (op !== '==') return false;
  if (subject === '{"meta":{"key":"l4proto"}}') return right === 'udp';
  return /^\{"payload":\{"protocol":"(?:udp|th)","field":"dport"\}\}$/.test(subject) && covers(right, port);
}

function matchesInterface({ op, subject, right }: Condition, name: string): boolean {
  return op === '==' && /^\{"meta":\{"key":"iif(?:name)?"\}\}$/.test(subject) && covers(right, name);
}

/** A value, a set, a range of numbers, or a name that ends in a wildcard. */
function covers(right: unknown, value: number | string): boolean {
  if (right === value) return true;
  if (typeof right === 'string') return right.endsWith('*') && String(value).startsWith(right.slice(0, -1));
  if (!isRecord(right)) return false;
  const { set, range } = right;
  if (Array.isArray(set)) return set.some((element) => covers(element, value));
  return Array.isArray(range) && value >= range[0] && value <= range[1];
}

function isAccept(rule: Rule): boolean {
  return isUnlimited(rule) && rule.expr.some((expression) => 'accept' in expression);
}

function isUnconditional(rule: Rule, verdicts: readonly string[]): boolean {
  const verdict = rule.expr.some((expression) => verdicts.some((name) => name in expression));
  return verdict && isUnlimited(rule) && conditions(rule).length === 0;
}

/** Nothing in it but matches, verdicts, counters and log lines: no rate limit, no expression that we cannot judge. */
function isUnlimited(rule: Rule): boolean {
  const known = ['match', 'accept', 'drop', 'reject', 'counter', 'log'];
  return rule.expr.every((expression) => Object.keys(expression).every((key) => known.includes(key)));
}

function isInput(chain: Chain): boolean {
  return chain.type === 'filter' && chain.hook === 'input' && ['inet', 'ip', 'ip6'].includes(chain.family);
}

function isIptables(chain: Chain): boolean {
  return ['ip', 'ip6'].includes(chain.family) && chain.table === 'filter' && chain.name === 'INPUT';
}

/** An empty text (nft failed, or is not root's to run) is an empty ruleset. */
function readRuleset(json: string): { chains: Chain[]; rules: Rule[] } {
  const chains: Chain[] = [];
  const rules: Rule[] = [];
  const parsed: unknown = json === '' ? {} : JSON.parse(json);
  const objects = isRecord(parsed) && Array.isArray(parsed['nftables']) ? parsed['nftables'] : [];
  for (const object of objects as unknown[]) {
    if (!isRecord(object)) continue;
    // The shapes are libnftables-json(5)'s, from nft itself.
    if (isRecord(object['chain'])) chains.push(object['chain'] as unknown as Chain);
    if (isRecord(object['rule'])) rules.push(object['rule'] as unknown as Rule);
  }
  return { chains, rules };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
