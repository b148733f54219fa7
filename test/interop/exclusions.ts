/** What implementations that are not ours cannot do, each with the reason. docs/decisions/0053 has the same table. */
import { boringtun, newestWireguardGo, type Implementation } from './implementation.ts';

export interface Exclusion {
  readonly who: Implementation;
  /** Either role, unless told. */
  readonly as?: 'initiator' | 'responder';
  readonly reason: string;
  /** Each as `suite: test`. */
  readonly tests: readonly string[];
}

export const EXCLUSIONS: readonly Exclusion[] = [
  {
    who: boringtun,
    reason: 'counts payload, not the bytes that it sends and receives',
    tests: [
      'handshake: has transfer counters that agree with those of the peer',
      'an interface in another namespace than its sockets: has counters that are right to the byte',
      'a persistent keepalive: goes out when the interface comes up, and not before',
    ],
  },
  {
    who: boringtun,
    reason: 'looks for the MTU of its interface in its own namespace only',
    tests: ['load: is carried over IPv4 with an MTU of 34500', 'load: is carried over IPv6 with an MTU of 34500'],
  },
  {
    who: boringtun,
    as: 'responder',
    reason: 'asks whether the sender has a prefix with the source address, not whether another peer has a longer one',
    tests: [
      'cryptokey routing: a peer with a subnet cannot send as a host in it that is a peer of its own',
      'a more specific allowed IP of another peer: makes packets drop, while the endpoint still moves',
    ],
  },
  {
    who: newestWireguardGo,
    reason: 'sends to the first four bytes of an IPv6 address where it sent to an IPv4 address before',
    tests: [
      'roaming: a peer is followed from IPv4 to IPv6',
      'roaming: a peer is followed to another port, to another address and port, and to IPv6',
      'replies: leave from the address that was written to, the first or the second of either family',
    ],
  },
];

export function isExcluded(test: string, initiator: Implementation, responder: Implementation): boolean {
  return EXCLUSIONS.some(({ who, as, tests }) => {
    const isThere = (as !== 'responder' && who === initiator) || (as !== 'initiator' && who === responder);
    return isThere && tests.includes(test);
  });
}

/** Rows of a table in Markdown. */
export function formatExclusions(): string[] {
  return EXCLUSIONS.flatMap(({ who, as = 'either', reason, tests }) =>
    tests.map((test) => `| ${who.name} | ${as} | ${reason} | ${test} |`),
  );
}
