/**
 * Who sees whom. Rules name groups of hosts by their tags, and sight is mutual: of two WireGuard peers each must know the
 * other's key. Without rules everybody sees everybody; with rules, nobody sees anybody but by one of them.
 *
 * What a host may see changes when rules or tags do. Then it gets its list in full (`viewVersion`), because a difference of
 * hosts that changed would leave out those that only came into its sight. All others keep to differences.
 */
import type { HostRecord, SightRule } from '../store/port.ts';
import type { Audience } from './ports.ts';

/** A list of tags in the one form that they are stored in, so that equal sets are equal texts. */
export function canonicalTags(tags: readonly string[]): string[] {
  return [...new Set(tags)].sort();
}

/** Not removed, and not expired: otherwise nobody sees it. */
export function isPresent({ deletedAt, lapsedAt }: HostRecord): boolean {
  return deletedAt === null && lapsedAt === null;
}

/** Whether two hosts with these tags see each other. */
export function sees(a: readonly string[], b: readonly string[], rules: readonly SightRule[] | null): boolean {
  if (rules === null) return true;
  return rules.some(({ from, to }) => (isIn(a, from) && isIn(b, to)) || (isIn(b, from) && isIn(a, to)));
}

/** Whom it concerns that these hosts changed: themselves, and who may see one of them. Give a host as it was and as it is. */
export function whoSees(
  changed: readonly Pick<HostRecord, 'id' | 'tags'>[],
  rules: readonly SightRule[] | null,
): Audience {
  return {
    concerns: (tags) => changed.some((host) => sees(tags, host.tags, rules)),
    hostIds: changed.map(({ id }) => id),
  };
}

/** What concerns this host, and nobody else. */
export function itself({ id }: Pick<HostRecord, 'id'>): Audience {
  return { concerns: () => false, hostIds: [id] };
}

/** The others that see `host` with one of the lists of tags, and not with the other. */
export function whoNotices(
  host: HostRecord,
  tags: readonly string[],
  others: readonly HostRecord[],
  rules: readonly SightRule[] | null,
): HostRecord[] {
  return others.filter(
    (other) => other.id !== host.id && sees(other.tags, host.tags, rules) !== sees(other.tags, tags, rules),
  );
}

/** Hosts with the same tags, removed ones included: they are still told about to those who saw them. */
export interface TagSet {
  readonly tags: readonly string[];
  readonly hosts: number;
}

/** The sets whose hosts see others when the rules change: each of them sees somebody whom it did not see, or the reverse. */
export function setsThatNotice(
  sets: readonly TagSet[],
  before: readonly SightRule[] | null,
  after: readonly SightRule[] | null,
): TagSet[] {
  return sets.filter((set) =>
    sets.some(
      (other) =>
        (other !== set || set.hosts > 1) && sees(set.tags, other.tags, before) !== sees(set.tags, other.tags, after),
    ),
  );
}

function isIn(tags: readonly string[], group: readonly string[]): boolean {
  return group.some((tag) => tag === '*' || tags.includes(tag));
}
