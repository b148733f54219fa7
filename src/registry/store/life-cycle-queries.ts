/**
 * How hosts come to their end without anybody's word, and how they come back.
 *
 * Nothing runs by a clock of its own: a network knows when something in it is due (`nextDueAt`), and the first request
 * after that sees to it. So it is the same on one machine and at the edge, and an idle registry does nothing.
 */
import { and, desc, eq, gt, isNotNull, isNull, lte, or, sql } from 'drizzle-orm';
import { isRevision, leaveExits } from './host-queries.ts';
import { auditColumns, dueBy, followVersion, isAtVersion, nextVersion, orConflict, type Orm } from './orm.ts';
import type { Act, Store } from './port.ts';
import { nextPruning, pruneOld } from './retention.ts';
import { addresses, audit, credentials, hosts, networks } from './schema.ts';
import { isStorageFull } from './storage-full.ts';

type LifeCycleQueries = Pick<
  Store,
  'findRemovedHost' | 'restoreHost' | 'noteSeen' | 'renewHost' | 'collectDue' | 'isFull'
>;

export function lifeCycleQueries(db: Orm): LifeCycleQueries {
  const live = (id: string) => and(eq(hosts.id, id), isNull(hosts.deletedAt));

  return {
    async findRemovedHost(networkId, name) {
      const [found] = await db
        .select()
        .from(hosts)
        .where(
          and(
            eq(hosts.networkId, networkId),
            eq(hosts.name, name),
            isNotNull(hosts.deletedAt),
            isNull(hosts.successorId), // that would be the old key of a host, and no host
          ),
        )
        .orderBy(desc(hosts.version))
        .limit(1);
      return found;
    },

    async restoreHost({ id, networkId, deletedAt }, expiresAt, act) {
      const still = sql`(SELECT count(*) FROM addresses AS a WHERE a.host_id = ${id})`;
      const back = sql`(SELECT h.deleted_at IS NULL FROM hosts AS h WHERE h.id = ${id})`;
      const results = await orConflict(
        db.batch([
          db
            .update(hosts)
            // An ephemeral host begins its silence anew, and waits for its first poll again.
            .set({ deletedAt: null, lapsedAt: null, seenAt: null, expiresAt, version: nextVersion(networkId, act.at) })
            .where(
              and(
                eq(hosts.id, id),
                eq(hosts.deletedAt, deletedAt ?? 0),
                isAtVersion(networkId, act.ifVersion),
                sql`json_array_length(${hosts.addresses}) = ${still}`,
              ),
            )
            .returning(),
          db
            .update(credentials)
            .set({ revokedAt: null })
            .where(and(eq(credentials.hostId, id), eq(credentials.revokedAt, deletedAt ?? 0), back)),
          db
            .update(addresses)
            .set({ releasedAt: null })
            .where(and(eq(addresses.hostId, id), back)),
          auditChanged(db, act, 'host.restore', and(eq(hosts.id, id), isNull(hosts.deletedAt))),
          ...followVersion(db, networkId),
          dueBy(db, networkId, act.at),
        ]),
      );
      return 'conflict' in results ? results : results[0][0];
    },

    async noteSeen(networkId, hostIds, at) {
      const silence = sql`(SELECT ${networks.silenceSeconds} FROM ${networks} WHERE ${networks.id} = ${networkId})`;
      await db.batch([
        db
          .update(hosts)
          .set({ seenAt: at })
          // One parameter for all of them: D1 takes no more than a hundred.
          .where(
            and(sql`${hosts.id} IN (SELECT value FROM json_each(${JSON.stringify(hostIds)}))`, isNull(hosts.deletedAt)),
          ),
        db
          .update(networks)
          .set({ nextDueAt: sql`min(coalesce(${networks.nextDueAt}, 1e15), ${at} + 1000 * ${silence})` })
          .where(eq(networks.id, networkId)),
      ]);
    },

    async renewHost({ id, networkId }, expiresAt, act) {
      const { ifVersion } = act;
      const renewable = and(live(id), ifVersion === undefined ? undefined : isRevision(ifVersion));
      const [, [renewed]] = await db.batch([
        auditEach(
          db,
          act,
          'host.renew',
          act.isByAdmin === true ? renewable : and(renewable, isNotNull(hosts.lapsedAt)),
        ),
        db
          .update(hosts)
          .set({
            expiresAt,
            lapsedAt: null,
            // Nobody else needs to know of it, unless they had lost sight of it.
            version: sql`CASE WHEN ${hosts.lapsedAt} IS NULL THEN ${hosts.version} ELSE ${nextVersion(networkId, act.at)} END`,
          })
          .where(renewable)
          .returning(),
        ...followVersion(db, networkId),
        ...(expiresAt === null ? [] : [dueBy(db, networkId, expiresAt)]),
      ]);
      return renewed;
    },

    async collectDue(networkId, act) {
      const { at } = act;
      const setting = (column: typeof networks.silenceSeconds | typeof networks.graceSeconds) =>
        sql`(SELECT 1000 * ${column} FROM ${networks} WHERE ${networks.id} = ${networkId})`;
      const [silence, grace] = [setting(networks.silenceSeconds), setting(networks.graceSeconds)];
      const here = and(eq(hosts.networkId, networkId), isNull(hosts.deletedAt));
      const silent = and(eq(hosts.ephemeral, true), sql`${hosts.seenAt} + ${silence} <= ${at}`);
      const over = sql`${hosts.expiresAt} + ${grace} <= ${at}`;
      const version = nextVersion(networkId, at);
      const goneNow = sql`(SELECT h.id FROM hosts AS h WHERE h.network_id = ${networkId} AND h.deleted_at = ${at} AND h.version = ${version})`;
      const dueOfHosts = sql`coalesce((SELECT min(min(
          CASE WHEN h.ephemeral = 1 AND h.seen_at IS NOT NULL THEN h.seen_at + ${silence} ELSE 1e15 END,
          CASE WHEN h.expires_at IS NULL THEN 1e15 WHEN h.lapsed_at IS NULL THEN h.expires_at ELSE h.expires_at + ${grace} END))
        FROM hosts AS h WHERE h.network_id = ${networkId} AND h.deleted_at IS NULL), 1e15)`;
      const nextDue = sql`min(${dueOfHosts}, ${nextPruning(networkId)})`;
      const results = await db.batch([
        db
          .update(hosts)
          .set({ deletedAt: at, version })
          .where(and(here, or(silent, over))),
        db
          .update(hosts)
          .set({ lapsedAt: at, version })
          .where(and(here, isNull(hosts.lapsedAt), lte(hosts.expiresAt, at))),
        db
          .update(credentials)
          .set({ revokedAt: at })
          .where(and(sql`${credentials.hostId} IN ${goneNow}`, isNull(credentials.revokedAt))),
        db
          .update(addresses)
          .set({ releasedAt: at })
          .where(and(sql`${addresses.hostId} IN ${goneNow}`, isNull(addresses.releasedAt))),
        leaveExits(db, networkId, at, goneNow),
        auditChanged(db, act, 'host.collect', and(eq(hosts.networkId, networkId), eq(hosts.deletedAt, at))),
        auditChanged(db, act, 'host.expire', and(here, eq(hosts.lapsedAt, at))),
        ...followVersion(db, networkId),
        ...pruneOld(db, networkId, at),
        db
          .update(networks)
          .set({ nextDueAt: sql`nullif(cast(${nextDue} AS INTEGER), 1000000000000000)` })
          .where(eq(networks.id, networkId)),
        db.select({ version: networks.version }).from(networks).where(eq(networks.id, networkId)),
      ]);
      return results[15][0]?.version;
    },

    isFull: isStorageFull,
  };
}

/** Within a batch, after the change and before `followVersion`: a line for each of these hosts that the batch has changed. */
export function auditChanged(db: Orm, act: Act, action: string, which: ReturnType<typeof and>) {
  return auditEach(db, act, action, and(which, gt(hosts.version, networks.version)));
}

function auditEach(db: Orm, act: Act, action: string, which: ReturnType<typeof and>) {
  return db.insert(audit).select(
    db
      .select(auditColumns(act, action, sql<string>`${hosts.name}`))
      .from(hosts)
      .innerJoin(networks, eq(networks.id, hosts.networkId))
      .where(which),
  );
}
