/** Hosts: lists, changes and removal. How they come: addition-queries.ts. */
import { and, asc, eq, gt, isNotNull, isNull, or, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import { additionQueries } from './addition-queries.ts';
import { chosenExitId, goneExit, withdrawnFamilies, withoutFamilies } from './chosen-exit.ts';
import { auditColumns, dueBy, followHost, followVersion, isAtVersion, nextVersion, type Orm } from './orm.ts';
import type { Store } from './port.ts';
import { tombstoneDue } from './retention.ts';
import { addresses, audit, credentials, hosts, networks } from './schema.ts';

type HostQueries = Pick<
  Store,
  | 'addHost'
  | 'takenAddresses'
  | 'listHosts'
  | 'findHost'
  | 'findHostByCredential'
  | 'hostsChangedSince'
  | 'hostsById'
  | 'changeHost'
  | 'removeHost'
  | 'hostsWithoutEndpoint'
  | 'setListenPort'
  | 'observeEndpoints'
>;

export function hostQueries(db: Orm): HostQueries {
  const isGone = (id: string) => sql`(SELECT h.deleted_at FROM hosts AS h WHERE h.id = ${id}) IS NOT NULL`;
  const liveHost = (id: string) => and(eq(hosts.id, id), isNull(hosts.deletedAt));

  // Each request of a host begins with this one.
  const byCredential = db
    .select({ credential: { id: credentials.id, hash: credentials.hash }, host: hosts, network: networks })
    .from(credentials)
    .innerJoin(hosts, eq(hosts.id, credentials.hostId))
    .innerJoin(networks, eq(networks.id, hosts.networkId))
    .where(and(eq(credentials.id, sql.placeholder('id')), isNull(credentials.revokedAt), isNull(hosts.deletedAt)))
    .prepare();
  const changedSince = db
    .select()
    .from(hosts)
    .where(and(eq(hosts.networkId, sql.placeholder('networkId')), gt(hosts.version, sql.placeholder('version'))))
    .orderBy(asc(hosts.version), asc(hosts.name))
    .prepare();

  return {
    ...additionQueries(db),

    async takenAddresses(networkId, releasedBefore) {
      const rows = await db
        .select({ address: addresses.address })
        .from(addresses)
        .where(
          and(
            eq(addresses.networkId, networkId),
            or(isNull(addresses.releasedAt), sql`${addresses.releasedAt} >= ${releasedBefore}`),
          ),
        );
      return rows.map((row) => row.address);
    },

    async listHosts(networkId, { after = '', limit } = { limit: -1 }) {
      return db
        .select()
        .from(hosts)
        .where(and(eq(hosts.networkId, networkId), isNull(hosts.deletedAt), gt(hosts.name, after)))
        .orderBy(asc(hosts.name))
        .limit(limit);
    },

    async findHost(networkId, name) {
      const [found] = await db
        .select()
        .from(hosts)
        .where(and(eq(hosts.networkId, networkId), eq(hosts.name, name), isNull(hosts.deletedAt)));
      return found;
    },

    async findHostByCredential(id) {
      const [found] = await byCredential.all({ id });
      return found;
    },

    hostsChangedSince: (networkId, version) => changedSince.all({ networkId, version }),

    async hostsById(ids) {
      const found = await db
        .select()
        .from(hosts)
        .where(and(sql`${hosts.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`, isNull(hosts.deletedAt)));
      return new Map(found.map((host) => [host.id, host]));
    },

    async changeHost({ id, networkId, routes: present }, { routes, requestedRoutes, tags, ...changes }, act) {
      const version = nextVersion(networkId, act.at);
      const withdrawn = withdrawnFamilies(present, routes ?? present);
      // Only when the update took place: the network's version has not followed yet.
      const changedNow = and(eq(hosts.id, id), sql`max(${hosts.version}, ${hosts.viewVersion}) > ${networks.version}`);
      const [[changed]] = await db.batch([
        db
          .update(hosts)
          .set({
            ...changes,
            ...(routes && { routes: [...routes] }),
            ...(requestedRoutes && { requestedRoutes: [...requestedRoutes] }),
            ...(tags && { tags: [...tags] }),
            ...(act.isOwn === true ? { viewVersion: version } : { version }),
          })
          .where(and(liveHost(id), isAtVersion(networkId, act.ifVersion)))
          .returning(),
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'host.change', sql<string>`${hosts.name}`, JSON.stringify(act.detail)))
            .from(hosts)
            .innerJoin(networks, eq(networks.id, hosts.networkId))
            .where(changedNow),
        ),
        db
          .update(hosts)
          .set({ viewVersion: version })
          .where(
            and(
              sql`${hosts.id} IN (SELECT value FROM json_each(${JSON.stringify(act.newViewsOf)}))`,
              sql`(SELECT h.version FROM hosts AS h WHERE h.id = ${id}) = ${version}`,
            ),
          ),
        // Whoever chose it as an exit keeps what was withdrawn closed, and does not go another way.
        ...(withdrawn === ''
          ? []
          : [
              db
                .update(hosts)
                .set({ exitHostId: withoutFamilies(withdrawn), viewVersion: version })
                .where(
                  and(
                    eq(hosts.networkId, networkId),
                    sql`${chosenExitId()} = ${id}`,
                    sql`(SELECT h.version FROM hosts AS h WHERE h.id = ${id}) = ${version}`,
                  ),
                ),
            ]),
        ...followHost(db, networkId, id),
        // Nobody may have its former tags any more.
        ...(tags === undefined ? [] : [dueBy(db, networkId, tombstoneDue(act.at))]),
      ]);
      return changed;
    },

    async removeHost({ id, networkId }, act) {
      const results = await db.batch([
        db
          .update(hosts)
          .set({ deletedAt: act.at, version: nextVersion(networkId, act.at) })
          .where(and(liveHost(id), act.ifVersion === undefined ? undefined : isRevision(act.ifVersion)))
          .returning({ id: hosts.id }),
        db
          .update(credentials)
          .set({ revokedAt: act.at })
          .where(and(eq(credentials.hostId, id), isNull(credentials.revokedAt), isGone(id))),
        db
          .update(addresses)
          .set({ releasedAt: act.at })
          .where(and(eq(addresses.hostId, id), isNull(addresses.releasedAt), isGone(id))),
        leaveExits(
          db,
          networkId,
          act.at,
          sql`(SELECT h.id FROM hosts AS h WHERE h.id = ${id} AND h.deleted_at = ${act.at})`,
        ),
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'host.remove', sql<string>`${hosts.name}`))
            .from(hosts)
            .innerJoin(networks, eq(networks.id, hosts.networkId))
            .where(and(eq(hosts.id, id), isNotNull(hosts.deletedAt), gt(hosts.version, networks.version))),
        ),
        ...followVersion(db, networkId),
        dueBy(db, networkId, tombstoneDue(act.at)),
      ]);
      return results[0].length === 1;
    },

    async hostsWithoutEndpoint(networkId, publicKeys) {
      // One parameter for all keys: D1 takes no more than a hundred.
      const listed = sql`(SELECT value FROM json_each(${JSON.stringify(publicKeys)}))`;
      return db
        .select()
        .from(hosts)
        .where(
          and(
            eq(hosts.networkId, networkId),
            isNull(hosts.deletedAt),
            isNull(hosts.endpoint),
            sql`${hosts.publicKey} IN ${listed}`,
          ),
        );
    },

    async setListenPort({ id }, listenPort) {
      await db.update(hosts).set({ listenPort }).where(liveHost(id));
    },

    async observeEndpoints(networkId, observations, at) {
      if (observations.length === 0) return;
      // One statement and one parameter, however many there are: a batch of thousands would hold everyone else up.
      const rows = observations.map(({ hostId, endpoint, handshakeAt }) => [hostId, endpoint, handshakeAt]);
      const seen = db
        .select({
          hostId: sql<string>`json_extract(value, '$[0]')`.as('seen_host'),
          endpoint: sql<string>`json_extract(value, '$[1]')`.as('seen_endpoint'),
          handshakeAt: sql<number>`json_extract(value, '$[2]')`.as('seen_handshake'),
        })
        .from(sql`json_each(${JSON.stringify(rows)})`)
        .as('seen');
      // Each family has a place of its own: the one that was seen first has the first place.
      const isV6 = (endpoint: SQLWrapper) => sql`(${endpoint} LIKE '[%')`;
      const isFirst = sql`(${hosts.observedEndpoint} IS NULL OR ${isV6(hosts.observedEndpoint)} = ${isV6(seen.endpoint)})`;
      // The same endpoint again is news while the other family's stands before it, which was seen earlier.
      const isNews = (endpoint: SQLWrapper, at: SQLWrapper, otherAt: SQLWrapper) =>
        sql`(coalesce(${at} < ${seen.handshakeAt}, 1) AND (coalesce(${endpoint} <> ${seen.endpoint}, 1)
          OR coalesce(${at} < ${otherAt} AND ${otherAt} < ${seen.handshakeAt}, 0)))`;
      const first = (value: SQLWrapper, otherwise: SQLWrapper) =>
        sql`CASE WHEN ${isFirst} THEN ${value} ELSE ${otherwise} END`;
      await db.batch([
        db
          .update(hosts)
          .set({
            observedEndpoint: first(seen.endpoint, hosts.observedEndpoint),
            observedAt: first(seen.handshakeAt, hosts.observedAt),
            otherEndpoint: first(hosts.otherEndpoint, seen.endpoint),
            otherObservedAt: first(hosts.otherObservedAt, seen.handshakeAt),
            version: nextVersion(networkId, at),
          })
          .from(seen)
          .where(
            and(
              eq(hosts.id, seen.hostId),
              isNull(hosts.deletedAt),
              // The plus keeps SQLite from going through the whole network by its index, instead of to these few hosts.
              sql`+${hosts.networkId} = ${networkId}`,
              isNull(hosts.endpoint),
              first(
                isNews(hosts.observedEndpoint, hosts.observedAt, hosts.otherObservedAt),
                isNews(hosts.otherEndpoint, hosts.otherObservedAt, hosts.observedAt),
              ),
            ),
          ),
        ...followVersion(db, networkId),
      ]);
    },
  };
}

/** What an administrator has read of a host, as service/hosts.ts shows it. */
export function isRevision(version: number): SQL {
  return sql`max(${hosts.version}, ${hosts.viewVersion}) = ${version}`;
}

/**
 * Within a batch, before `followVersion`: whoever used one of these hosts as its exit, removed hosts included, has one that is gone now. The
 * default routes that it offered and its name are all that is remembered of it.
 */
export function leaveExits(db: Orm, networkId: number, at: number, gone: SQLWrapper) {
  return db
    .update(hosts)
    .set({ exitHostId: goneExit(), viewVersion: nextVersion(networkId, at) })
    .where(and(eq(hosts.networkId, networkId), sql`${chosenExitId()} IN ${gone}`));
}
