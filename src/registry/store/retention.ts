/**
 * What is kept for how long of what is over, as parts of the batch that sees to what is due in a network.
 *
 * A tombstone is there for who asks what changed since a version before it. Once it is gone, whoever asks from before it gets the list
 * in full: the network's `forgottenVersion` says so.
 */
import { and, eq, inArray, lte, sql, type SQL } from 'drizzle-orm';
import type { Orm } from './orm.ts';
import { addresses, audit, credentials, hosts, networks } from './schema.ts';

const DAY_MS = 86_400_000;
/** Of a host that was removed, or of a key that was rotated away; never shorter than its addresses rest. */
const TOMBSTONE_MS = 30 * DAY_MS;
const AUDIT_MS = 365 * DAY_MS;
/** Of audit entries that go at once. */
const AUDIT_BATCH = 1000;

/** When a tombstone of that time may be looked at. Whole days, so that many that go in a day are one piece of work. */
export function tombstoneDue(at: number): number {
  return Math.ceil((at + TOMBSTONE_MS) / DAY_MS) * DAY_MS;
}

/** The statements that take away what is over. */
export function pruneOld(db: Orm, networkId: number, at: number) {
  const old = sql`h.network_id = ${networkId} AND h.deleted_at + ${restMs(networkId)} <= ${at}`;
  const ids = sql`(SELECT h.id FROM hosts AS h WHERE ${old})`;
  const newest = sql<number>`(SELECT max(h.version) FROM hosts AS h WHERE ${old})`;
  const oldest = db
    .select({ id: audit.id })
    .from(audit)
    .where(sql`${audit.network} = ${networkName(networkId)}`)
    .orderBy(audit.id)
    .limit(AUDIT_BATCH);
  return [
    db
      .update(networks)
      .set({ forgottenVersion: newest })
      .where(and(eq(networks.id, networkId), sql`${networks.forgottenVersion} < ${newest}`)),
    db.delete(credentials).where(sql`${credentials.hostId} IN ${ids}`),
    db.delete(addresses).where(sql`${addresses.hostId} IN ${ids}`),
    db.delete(hosts).where(sql`${hosts.id} IN ${ids}`),
    db.delete(audit).where(and(inArray(audit.id, oldest), lte(audit.at, at - AUDIT_MS))),
  ] as const;
}

/** When the next of it is over; a time that never comes when there is nothing. */
export function nextPruning(networkId: number): SQL {
  const tombstone = sql`(SELECT min(h.deleted_at) FROM hosts AS h WHERE h.network_id = ${networkId}) + ${restMs(networkId)}`;
  const entry = sql`(SELECT a.at FROM audit AS a WHERE a.network = ${networkName(networkId)} ORDER BY a.id LIMIT 1) + ${sql.raw(`${AUDIT_MS}`)}`;
  // Written out: some drivers bind every number as a real one, and divisions would not truncate.
  const wholeDays = (time: SQL): SQL =>
    sql`coalesce((${time} + ${sql.raw(`${DAY_MS - 1}`)}) / ${sql.raw(`${DAY_MS}`)} * ${sql.raw(`${DAY_MS}`)}, 1e15)`;
  return sql`min(${wholeDays(tombstone)}, ${wholeDays(entry)})`;
}

function restMs(networkId: number): SQL {
  return sql`(SELECT max(1000 * n.quarantine_seconds, ${sql.raw(`${TOMBSTONE_MS}`)}) FROM networks AS n WHERE n.id = ${networkId})`;
}

function networkName(networkId: number): SQL {
  return sql`(SELECT n.name FROM networks AS n WHERE n.id = ${networkId})`;
}
