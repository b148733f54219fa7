/**
 * Hosts: enrolment, lists, changes and removal.
 *
 * Enrolment is one batch: the host's row is selected out of a token that is good at that moment, and everything after
 * depends on that row existing. However many arrive at once, a token pays for as many hosts as it has uses.
 */
import { and, asc, eq, exists, gt, inArray, isNotNull, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { auditColumns, dueBy, followVersion, nextVersion, orConflict, type Orm } from './orm.ts';
import type { Act, HostAddition, Store } from './port.ts';
import { addresses, audit, credentials, hosts, networks, tokens } from './schema.ts';

type HostQueries = Pick<
  Store,
  | 'addHost'
  | 'takenAddresses'
  | 'listHosts'
  | 'findHost'
  | 'findHostByCredential'
  | 'hostsChangedSince'
  | 'changeHost'
  | 'removeHost'
  | 'hostsWithoutEndpoint'
  | 'setListenPort'
  | 'observeEndpoints'
>;

export function hostQueries(db: Orm): HostQueries {
  const liveHost = (id: string) => and(eq(hosts.id, id), isNull(hosts.deletedAt));
  const atVersion = (networkId: number, version: number | undefined) =>
    version === undefined ? undefined : eq(nextVersion(networkId), version + 1);

  return {
    async addHost(addition, act) {
      const { networkId, host, credential, tokenId } = addition;
      const added = db
        .select({ one: sql`1` })
        .from(hosts)
        .where(eq(hosts.id, host.id));
      const results = await orConflict(
        db.batch([
          claim(db, addition, act).returning(),
          db
            .delete(addresses)
            .where(
              and(
                eq(addresses.networkId, networkId),
                inArray(addresses.address, [...host.addresses]),
                lt(addresses.releasedAt, addition.releasedBefore),
                exists(added),
              ),
            ),
          db.insert(addresses).select(
            db
              .select({
                networkId: hosts.networkId,
                address: sql<string>`json_each.value`.as('address'),
                hostId: hosts.id,
                releasedAt: sql<null>`NULL`.as('released_at'),
              })
              .from(hosts)
              .innerJoin(sql`json_each(${hosts.addresses})`, sql`true`)
              .where(eq(hosts.id, host.id)),
          ),
          db.insert(credentials).select(
            db
              .select({
                id: sql<string>`${credential.id}`.as('id'),
                hash: sql<string>`${credential.hash}`.as('hash'),
                role: sql<'host'>`'host'`.as('role'),
                hostId: hosts.id,
                createdAt: sql<number>`${act.at}`.as('created_at'),
                revokedAt: sql<null>`NULL`.as('revoked_at'),
              })
              .from(hosts)
              .where(eq(hosts.id, host.id)),
          ),
          db
            .update(tokens)
            .set({ remaining: sql`${tokens.remaining} - 1` })
            .where(and(eq(tokens.id, tokenId ?? ''), exists(added))),
          auditHost(db, act, tokenId === undefined ? 'host.add' : 'host.enrol', host.id),
          followVersion(db, networkId),
          ...(host.expiresAt === null ? [] : [dueBy(db, networkId, host.expiresAt)]),
        ]),
      );
      return 'conflict' in results ? results : results[0][0];
    },

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
      const [found] = await db
        .select({ credential: { id: credentials.id, hash: credentials.hash }, host: hosts, network: networks })
        .from(credentials)
        .innerJoin(hosts, eq(hosts.id, credentials.hostId))
        .innerJoin(networks, eq(networks.id, hosts.networkId))
        .where(and(eq(credentials.id, id), isNull(credentials.revokedAt), isNull(hosts.deletedAt)));
      return found;
    },

    async hostsChangedSince(networkId, version) {
      return db
        .select()
        .from(hosts)
        .where(and(eq(hosts.networkId, networkId), gt(hosts.version, version)))
        .orderBy(asc(hosts.version), asc(hosts.name));
    },

    async changeHost({ id, networkId }, { routes, tags, ...changes }, act) {
      // Only when the update took place: the network's version has not followed yet.
      const changedNow = and(eq(hosts.id, id), gt(hosts.version, networks.version));
      const [[changed]] = await db.batch([
        db
          .update(hosts)
          .set({
            ...changes,
            ...(routes && { routes: [...routes] }),
            ...(tags && { tags: [...tags] }),
            version: nextVersion(networkId),
          })
          .where(and(liveHost(id), atVersion(networkId, act.ifVersion)))
          .returning(),
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'host.change', sql<string>`${hosts.name}`))
            .from(hosts)
            .innerJoin(networks, eq(networks.id, hosts.networkId))
            .where(changedNow),
        ),
        db
          .update(hosts)
          .set({ viewVersion: nextVersion(networkId) })
          .where(
            and(
              sql`${hosts.id} IN (SELECT value FROM json_each(${JSON.stringify(act.newViewsOf)}))`,
              sql`(SELECT h.version FROM hosts AS h WHERE h.id = ${id}) = ${nextVersion(networkId)}`,
            ),
          ),
        followVersion(db, networkId),
      ]);
      return changed;
    },

    async removeHost({ id, networkId }, act) {
      const results = await db.batch([
        db
          .update(hosts)
          .set({ deletedAt: act.at, version: nextVersion(networkId) })
          .where(liveHost(id))
          .returning({ id: hosts.id }),
        db
          .update(credentials)
          .set({ revokedAt: act.at })
          .where(and(eq(credentials.hostId, id), isNull(credentials.revokedAt))),
        db
          .update(addresses)
          .set({ releasedAt: act.at })
          .where(and(eq(addresses.hostId, id), isNull(addresses.releasedAt))),
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'host.remove', sql<string>`${hosts.name}`))
            .from(hosts)
            .innerJoin(networks, eq(networks.id, hosts.networkId))
            .where(and(eq(hosts.id, id), isNotNull(hosts.deletedAt), gt(hosts.version, networks.version))),
        ),
        followVersion(db, networkId),
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

    async observeEndpoints(networkId, observations) {
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
      await db.batch([
        db
          .update(hosts)
          .set({
            observedEndpoint: sql`${seen.endpoint}`,
            observedAt: sql`${seen.handshakeAt}`,
            version: nextVersion(networkId),
          })
          .from(seen)
          .where(
            and(
              eq(hosts.id, seen.hostId),
              isNull(hosts.deletedAt),
              // The plus keeps SQLite from going through the whole network by its index, instead of to these few hosts.
              sql`+${hosts.networkId} = ${networkId}`,
              isNull(hosts.endpoint),
              or(isNull(hosts.observedAt), lt(hosts.observedAt, seen.handshakeAt)),
              or(isNull(hosts.observedEndpoint), ne(hosts.observedEndpoint, seen.endpoint)),
            ),
          ),
        followVersion(db, networkId),
      ]);
    },
  };
}

/** Inserts the host if its token (or, without one, its network) is good, and nothing otherwise. */
function claim(db: Orm, { networkId, host, tokenId, ifVersion }: HostAddition, act: Act) {
  const row = {
    id: sql<string>`${host.id}`.as('id'),
    networkId: networks.id,
    name: sql<string>`${host.name}`.as('name'),
    publicKey: sql<string>`${host.publicKey}`.as('public_key'),
    addresses: sql<string[]>`${JSON.stringify(host.addresses)}`.as('addresses'),
    routes: sql<string[]>`${JSON.stringify(host.routes)}`.as('routes'),
    listenPort: sql<number>`${host.listenPort}`.as('listen_port'),
    endpoint: sql<string | null>`${host.endpoint}`.as('endpoint'),
    observedEndpoint: sql<null>`NULL`.as('observed_endpoint'),
    observedAt: sql<null>`NULL`.as('observed_at'),
    version: sql<number>`${networks.version} + 1`.as('version'),
    createdAt: sql<number>`${act.at}`.as('created_at'),
    deletedAt: sql<null>`NULL`.as('deleted_at'),
    tags: sql<string[]>`${JSON.stringify(host.tags)}`.as('tags'),
    ephemeral: sql<boolean>`${Number(host.ephemeral)}`.as('ephemeral'),
    seenAt: sql<null>`NULL`.as('seen_at'),
    lifetimeSeconds: sql<number | null>`${host.lifetimeSeconds}`.as('lifetime_seconds'),
    expiresAt: sql<number | null>`${host.expiresAt}`.as('expires_at'),
    lapsedAt: sql<null>`NULL`.as('lapsed_at'),
    nextPublicKey: sql<null>`NULL`.as('next_public_key'),
    successorId: sql<null>`NULL`.as('successor_id'),
    viewVersion: sql<number>`0`.as('view_version'),
    requestedRoutes: sql<string[]>`'[]'`.as('requested_routes'),
    exitHostId: sql<null>`NULL`.as('exit_host_id'),
    otherEndpoint: sql<null>`NULL`.as('other_endpoint'),
    otherObservedAt: sql<null>`NULL`.as('other_observed_at'),
  };
  const here = and(eq(networks.id, networkId), ifVersion === undefined ? undefined : eq(networks.version, ifVersion));
  if (tokenId === undefined) return db.insert(hosts).select(db.select(row).from(networks).where(here));
  const good = and(
    eq(tokens.id, tokenId),
    gt(tokens.remaining, 0),
    gt(tokens.expiresAt, act.at),
    isNull(tokens.revokedAt),
    here,
  );
  return db
    .insert(hosts)
    .select(db.select(row).from(tokens).innerJoin(networks, eq(networks.id, tokens.networkId)).where(good));
}

function auditHost(db: Orm, act: Act, action: string, hostId: string) {
  return db.insert(audit).select(
    db
      .select(auditColumns(act, action, sql<string>`${hosts.name}`))
      .from(hosts)
      .innerJoin(networks, eq(networks.id, hosts.networkId))
      .where(eq(hosts.id, hostId)),
  );
}
