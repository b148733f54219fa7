/**
 * The demo's result, for people and for machines.
 */
import { formatTable } from '../../src/cli/table.ts';
import { WAYS } from './enrol.ts';
import type { MemberStatus, Reach, Service } from './verify.ts';

export interface Outcome {
  members: readonly MemberStatus[];
  pairs: readonly Reach[];
  /** While the registry was silent. */
  pairsAlone: readonly Reach[];
  sites: readonly Reach[];
  redis: Service;
  seconds: number;
}

/** Whether everything that was promised came true. */
export function isGood({ pairs, pairsAlone, sites, redis }: Outcome): boolean {
  const reached = [...pairs, ...pairsAlone, ...sites].every(({ ipv4, ipv6 }) => ipv4 && ipv6);
  return pairs.length === 30 && pairsAlone.length === 30 && reached && redis.answersTeddy && !redis.answersStranger;
}

export function formatJson(outcome: Outcome): string {
  const members = outcome.members.map((member) => ({ ...member, enrolledBy: WAYS[member.name] }));
  return `${JSON.stringify({ ok: isGood(outcome), ...outcome, members }, undefined, 2)}\n`;
}

export function formatReport(outcome: Outcome, { width, now }: { width: number; now: number }): string {
  const { members, pairs, pairsAlone, sites, redis, seconds } = outcome;
  const rows = members.map((member) => {
    const own = pairs.filter(({ from }) => from === member.name);
    return [
      member.name,
      WAYS[member.name],
      member.addresses.map((address) => address.split('/')[0]).join(' '),
      member.endpoint ?? '-',
      member.latestHandshake === 0 ? 'never' : `${Math.max(0, Math.round(now / 1000) - member.latestHandshake)} s ago`,
      `${kibibytes(member.rxBytes)} / ${kibibytes(member.txBytes)}`,
      `${own.filter(({ ipv4 }) => ipv4).length}/${own.length}`,
      `${own.filter(({ ipv6 }) => ipv6).length}/${own.length}`,
    ];
  });
  return [
    formatTable(COLUMNS, rows, width),
    `${countReached(pairs)} of ${pairs.length} pairs of hosts reach each other over IPv4 and IPv6.`,
    ...pairs.filter(isUnreached).map(describeUnreached),
    `${countReached(pairsAlone)} of ${pairsAlone.length} still do while the registry is silent.`,
    ...pairsAlone.filter(isUnreached).map(describeUnreached),
    `${countReached(sites)} of ${sites.length} ways to the devices at home and in the office work over IPv4 and IPv6.`,
    ...sites.filter(isUnreached).map(describeUnreached),
    `Redis on dolores (${redis.address}) ${redis.answersTeddy ? 'answers' : 'DOES NOT ANSWER'} teddy over the VPN, and ` +
      `${redis.answersStranger ? 'ANSWERS' : 'does not answer'} a stranger on the internet.`,
    `\n${isGood(outcome) ? 'All as promised' : 'NOT as promised'}, after ${seconds} seconds.\n`,
  ].join('\n');
}

const COLUMNS = [
  { title: 'HOST' },
  { title: 'ENROLLED BY' },
  { title: 'ADDRESSES' },
  { title: 'ENDPOINT' },
  { title: 'HANDSHAKE' },
  { title: 'RX / TX' },
  { title: 'IPV4', align: 'right' },
  { title: 'IPV6', align: 'right' },
] as const;

function isUnreached({ ipv4, ipv6 }: Reach): boolean {
  return !ipv4 || !ipv6;
}

function countReached(reaches: readonly Reach[]): number {
  return reaches.filter((reach) => !isUnreached(reach)).length;
}

function describeUnreached({ from, to, ipv4, ipv6 }: Reach): string {
  return `  ${from} does not reach ${to} over ${[ipv4 ? [] : ['IPv4'], ipv6 ? [] : ['IPv6']].flat().join(' and ')}`;
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
