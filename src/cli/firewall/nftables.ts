/**
 * nftables, by the output of `nft -j list ruleset` (libnftables-json(5)).
 *
 * Each chain at the input hook is walked as the kernel does it, rule by rule and into the chains that it jumps to, until a rule
 * decides about what is needed. A rule that holds for a part of it only, or under a condition that we cannot judge, decides
 * nothing. What ends in a drop needs an accepting rule at the head of that chain, in every such chain: an accept in one is not
 * final for the others.
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
    .flatMap((chain) => missingIn(chain, rules, need));
}

/** `nft delete rule ...` for every rule with this comment. */
export function findNftDeletions(rulesetJson: string, comment: string): CommandLine[] {
  return readRuleset(rulesetJson)
    .rules.filter((rule) => rule.comment === comment)
    .map((rule) => ['nft', 'delete', 'rule', rule.family, rule.table, rule.chain, 'handle', String(rule.handle)]);
}

function missingIn(chain: Chain, rules: readonly Rule[], { interfaceName, listenPort }: Need): Opening[] {
  const openings: Opening[] = [];
  const isClosed = (matches: Matches): boolean => isDropped(chain, rules, matches);
  const opening = (what: string, match: readonly string[]): Opening => {
    const comment = ruleComment(interfaceName);
    const where = [chain.family, chain.table, chain.name];
    // Quotes are of nft's own language: its arguments are joined and parsed again.
    const add: CommandLine = ['nft', 'insert', 'rule', ...where, ...match, 'accept', 'comment', `"${comment}"`];
    return { firewall: 'nftables', what, add, remove: { type: 'nft-comment', comment } };
  };
  if (listenPort !== undefined && isClosed((condition) => matchesUdpPort(condition, listenPort)))
    openings.push(opening(whatFromPeers(listenPort), ['udp', 'dport', String(listenPort)]));
  if (isClosed((condition) => matchesInterface(condition, interfaceName)))
    openings.push(opening(whatFromTunnel(interfaceName), ['iifname', `"${interfaceName}"`]));
  return openings;
}

/** One `match` of a rule. A rule with several must hold in all of them. */
interface Condition {
  op: string;
  subject: string;
  right: unknown;
}

/** Whether a condition holds for every packet of what is needed. */
type Matches = (condition: Condition) => boolean;

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

/** What a chain does to all packets that `matches` describes; undefined when it comes to its end, or returns, without deciding. */
function verdictOf(
  chain: Pick<Chain, 'family' | 'table' | 'name'>,
  all: readonly Rule[],
  matches: Matches,
): 'accept' | 'drop' | undefined {
  const { family, table, name } = chain;
  for (const rule of all) {
    if (rule.family !== family || rule.table !== table || rule.chain !== name) continue;
    if (!isUnderstood(rule) || !conditions(rule).every(matches)) continue;
    const has = (verdict: string): boolean => rule.expr.some((expression) => verdict in expression);
    if (has('accept')) return 'accept';
    if (has('drop') || has('reject')) return 'drop';
    if (has('return')) return undefined;
    const target = targetOf(rule, 'jump') ?? targetOf(rule, 'goto');
    const verdict = target === undefined ? undefined : verdictOf({ family, table, name: target }, all, matches);
    if (verdict !== undefined || has('goto')) return verdict;
  }
  return undefined;
}

function isDropped(chain: Chain, rules: readonly Rule[], matches: Matches): boolean {
  return (verdictOf(chain, rules, matches) ?? chain.policy) === 'drop';
}

function targetOf(rule: Rule, verdict: 'jump' | 'goto'): string | undefined {
  const found = rule.expr.map((expression) => expression[verdict]).find(isRecord);
  return found && String(found['target']);
}

/** Nothing in it but matches, verdicts, counters and log lines: no rate limit, no expression that we cannot judge. */
function isUnderstood(rule: Rule): boolean {
  const known = ['match', 'accept', 'drop', 'reject', 'jump', 'goto', 'return', 'counter', 'log'];
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
