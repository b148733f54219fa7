/**
 * A network out of the database of an innernet-server: peers in a tree of CIDRs, and associations between those.
 *
 * A peer of innernet sees the peers of its own CIDR, those of the CIDR `infra`, and those of each CIDR that is associated with
 * its own or one around it. Here each host gets the CIDRs around it as tags, and the rules say the same.
 */
import { z } from 'zod';
import { formatCidr, maskCidr, parseCidr } from '../../ip.ts';
import type { Row } from '../ports.ts';
import { nameOf, uniqueName, type Found, type FoundHost } from './found.ts';

/** The tables are those of innernet 1.3 to 1.7. */
export const INNERNET_QUERIES: readonly string[] = [
  'SELECT id, name, ip, prefix, parent FROM cidrs ORDER BY id',
  'SELECT name, ip, public_key, endpoint, cidr_id, is_disabled, is_redeemed FROM peers ORDER BY id',
  'SELECT cidr_id_1, cidr_id_2 FROM associations ORDER BY id',
];

const Range = z.object({
  id: z.number(),
  name: z.string(),
  ip: z.string(),
  prefix: z.number(),
  parent: z.number().nullable(),
});
const Peer = z.object({
  name: z.string(),
  ip: z.string(),
  public_key: z.string(),
  endpoint: z.string().nullable(),
  cidr_id: z.number(),
  is_disabled: z.number(),
  is_redeemed: z.number(),
});
const Association = z.object({ cidr_id_1: z.number(), cidr_id_2: z.number() });

/** Each may be seen by all. */
const INFRA_ID = 2;

type Ranges = ReadonlyMap<number, z.infer<typeof Range> & { tag: string }>;

/** ZodError when the rows are not of these tables. */
export function readInnernet([rangeRows = [], peerRows = [], associationRows = []]: readonly Row[][]): Found {
  const ranges = tagged(z.array(Range).parse(rangeRows));
  const hosts: FoundHost[] = [];
  const notes: string[] = [];
  const populated = new Set<number>();
  for (const peer of z.array(Peer).parse(peerRows)) {
    const name = uniqueName(nameOf(peer.name, 'peer'), hosts);
    if (peer.is_disabled !== 0) notes.push(`${name} is disabled, and left out`);
    else if (peer.is_redeemed === 0) notes.push(`${name} has not used its invitation, and is left out`);
    else {
      hosts.push(hostOf(name, peer, ranges));
      populated.add(peer.cidr_id);
    }
  }
  const associations = z.array(Association).parse(associationRows);
  const rules = [
    ...(ranges.has(INFRA_ID) ? [rule('*', tagOf(INFRA_ID, ranges))] : []),
    ...[...populated].filter((id) => id !== INFRA_ID).map((id) => rule(tagOf(id, ranges), tagOf(id, ranges))),
    ...associations.map(({ cidr_id_1, cidr_id_2 }) => rule(tagOf(cidr_id_1, ranges), tagOf(cidr_id_2, ranges))),
  ];
  const parents = [...populated].filter((id) => [...ranges.values()].some(({ parent }) => parent === id));
  for (const id of parents) {
    const tag = tagOf(id, ranges);
    const below = tag === '*' ? 'all hosts of the network' : `all below ${tag}`;
    notes.push(`${below} see each other here, as it holds peers itself: see peerage network rules`);
  }
  const roots = [...ranges.values()].filter(({ parent }) => parent === null);
  const listed = roots.map(({ ip, prefix }) => parseCidr(`${ip}/${prefix}`)).filter((range) => range !== undefined);
  return { ranges: listed.map((range) => formatCidr(maskCidr(range))), listenPort: undefined, hosts, rules, notes };
}

function tagged(rows: readonly z.infer<typeof Range>[]): Ranges {
  const ranges = new Map<number, z.infer<typeof Range> & { tag: string }>();
  const taken: { name: string }[] = [];
  for (const row of rows) {
    const name = uniqueName(nameOf(row.name, 'cidr'), taken);
    taken.push({ name });
    // The root holds all hosts.
    ranges.set(row.id, { ...row, tag: row.parent === null ? '*' : name });
  }
  return ranges;
}

function tagOf(id: number, ranges: Ranges): string {
  return ranges.get(id)?.tag ?? '*';
}

function rule(from: string, to: string): { from: string[]; to: string[] } {
  return { from: [from], to: [to] };
}

function hostOf(name: string, peer: z.infer<typeof Peer>, ranges: Ranges): FoundHost {
  const tags: string[] = [];
  let range = ranges.get(peer.cidr_id);
  // A tree, whatever the file holds: no more steps than there are CIDRs.
  for (let i = 0; i < ranges.size && range !== undefined && range.parent !== null; i++) {
    tags.push(range.tag);
    range = ranges.get(range.parent);
  }
  const port = Number(/:(\d+)$/.exec(peer.endpoint ?? '')?.[1]);
  return {
    name,
    publicKey: peer.public_key,
    addresses: [peer.ip],
    endpoint: peer.endpoint,
    listenPort: Number.isInteger(port) && port > 0 ? port : undefined,
    routes: [],
    tags,
  };
}
