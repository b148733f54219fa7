/**
 * Rotation: a host's next public key is announced, and used later. The old key stays in a row of its own, as that of a host
 * that is gone: so a difference names it like any other key that its reader should forget.
 */
import { and, eq, isNotNull, isNull, not, sql } from 'drizzle-orm';
import { auditChanged } from './life-cycle-queries.ts';
import { dueBy, followVersion, nextVersion, orConflict, type Orm } from './orm.ts';
import type { Act, HostRecord, Store } from './port.ts';
import { tombstoneDue } from './retention.ts';
import { hosts } from './schema.ts';

type RotationQueries = Pick<Store, 'announceKey' | 'useAnnouncedKey'>;

export function rotationQueries(db: Orm): RotationQueries {
  const live = (id: string) => and(eq(hosts.id, id), isNull(hosts.deletedAt));

  return {
    async announceKey({ id, networkId }, publicKey, act) {
      const inUse = sql`EXISTS (SELECT 1 FROM hosts AS h WHERE h.network_id = ${networkId} AND h.public_key = ${publicKey} AND h.deleted_at IS NULL)`;
      const results = await orConflict(
        db.batch([
          db
            .update(hosts)
            .set({ nextPublicKey: publicKey, version: nextVersion(networkId, act.at) })
            .where(and(live(id), not(inUse)))
            .returning(),
          auditChanged(db, act, 'host.announce-key', live(id)),
          ...followVersion(db, networkId),
          db.select({ id: hosts.id }).from(hosts).where(live(id)),
        ]),
      );
      if ('conflict' in results) return results;
      const [[changed], , , , [found]] = results;
      return changed ?? (found === undefined ? undefined : { conflict: 'publicKey' });
    },

    async useAnnouncedKey({ id, networkId }, act) {
      const announced = and(live(id), isNotNull(hosts.nextPublicKey));
      const results = await orConflict(
        db.batch([
          keepOldKey(db, { id, networkId }, act, announced),
          db
            .update(hosts)
            .set({
              publicKey: sql`${hosts.nextPublicKey}`,
              nextPublicKey: null,
              version: nextVersion(networkId, act.at),
            })
            .where(announced)
            .returning(),
          auditChanged(db, act, 'host.rotate', live(id)),
          ...followVersion(db, networkId),
          dueBy(db, networkId, tombstoneDue(act.at)),
        ]),
      );
      return 'conflict' in results ? results : results[1][0];
    },
  };
}

function keepOldKey(
  db: Orm,
  { id, networkId }: Pick<HostRecord, 'id' | 'networkId'>,
  { at }: Act,
  which: ReturnType<typeof and>,
) {
  return db.insert(hosts).select(
    db
      .select({
        id: sql<string>`${hosts.id} || '.' || lower(hex(randomblob(8)))`.as('id'),
        networkId: hosts.networkId,
        name: hosts.name,
        publicKey: hosts.publicKey,
        addresses: sql<string[]>`'[]'`.as('addresses'),
        routes: sql<string[]>`'[]'`.as('routes'),
        listenPort: hosts.listenPort,
        endpoint: sql<null>`NULL`.as('endpoint'),
        observedEndpoint: sql<null>`NULL`.as('observed_endpoint'),
        observedAt: sql<null>`NULL`.as('observed_at'),
        version: sql<number>`${nextVersion(networkId, at)}`.as('version'),
        createdAt: hosts.createdAt,
        deletedAt: sql<number>`${at}`.as('deleted_at'),
        tags: hosts.tags,
        ephemeral: hosts.ephemeral,
        seenAt: sql<null>`NULL`.as('seen_at'),
        lifetimeSeconds: sql<null>`NULL`.as('lifetime_seconds'),
        expiresAt: sql<null>`NULL`.as('expires_at'),
        lapsedAt: sql<null>`NULL`.as('lapsed_at'),
        nextPublicKey: sql<null>`NULL`.as('next_public_key'),
        successorId: sql<string>`${id}`.as('successor_id'),
        viewVersion: sql<number>`0`.as('view_version'),
        requestedRoutes: sql<string[]>`'[]'`.as('requested_routes'),
        exitHostId: sql<null>`NULL`.as('exit_host_id'),
        otherEndpoint: sql<null>`NULL`.as('other_endpoint'),
        otherObservedAt: sql<null>`NULL`.as('other_observed_at'),
      })
      .from(hosts)
      .where(which),
  );
}
