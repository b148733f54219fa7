/**
 * How hosts come: one batch. The host's row is selected out of a token that is good at that moment, and everything after
 * depends on that row existing. However many arrive at once, a token pays for as many hosts as it has uses.
 *
 * A fleet enrols at once, so the batch is put together once: what differs from host to host are placeholders.
 */
import { and, eq, exists, gt, isNull, lt, sql, type Placeholder, type SQL } from 'drizzle-orm';
import { auditColumns, dueBy, followVersion, keepQuery, orConflict, versionAfter, type Orm } from './orm.ts';
import type { HostAddition, Store } from './port.ts';
import { addresses, audit, credentials, hosts, networks, tokens } from './schema.ts';

type AdditionQueries = Pick<Store, 'addHost'>;

const given = sql.placeholder;
const act = { actor: given('actor'), at: given('at'), requestId: given('requestId') };

export function additionQueries(db: Orm): AdditionQueries {
  const isHost = eq(hosts.id, given('id'));
  const added = db
    .select({ one: sql`1` })
    .from(hosts)
    .where(isHost);
  const kept = {
    claimByToken: keepQuery(claim(db, 'token')),
    claimByAdmin: keepQuery(claim(db, 'admin')),
    freeRested: keepQuery(
      db
        .delete(addresses)
        .where(
          and(
            eq(addresses.networkId, given('networkId')),
            sql`${addresses.address} IN (SELECT value FROM json_each(${given('addresses')}))`,
            lt(addresses.releasedAt, given('releasedBefore')),
            exists(added),
          ),
        ),
    ),
    takeAddresses: keepQuery(
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
          .where(isHost),
      ),
    ),
    addCredential: keepQuery(
      db.insert(credentials).select(
        db
          .select({
            id: sql<string>`${given('credentialId')}`.as('id'),
            hash: sql<string>`${given('credentialHash')}`.as('hash'),
            role: sql<'host'>`'host'`.as('role'),
            hostId: hosts.id,
            createdAt: sql<number>`${act.at}`.as('created_at'),
            revokedAt: sql<null>`NULL`.as('revoked_at'),
          })
          .from(hosts)
          .where(isHost),
      ),
    ),
    payUse: keepQuery(
      db
        .update(tokens)
        .set({ remaining: sql`${tokens.remaining} - 1` })
        .where(and(eq(tokens.id, given('tokenId')), exists(added))),
    ),
    auditHost: keepQuery(
      db.insert(audit).select(
        db
          .select(auditColumns(act, given('action'), sql<string>`${hosts.name}`, given('detail')))
          .from(hosts)
          .innerJoin(networks, eq(networks.id, hosts.networkId))
          .where(isHost),
      ),
    ),
    followVersion: followVersion(db, given('networkId')).map((query) => keepQuery(query)),
    dueBy: keepQuery(dueBy(db, given('networkId'), given('expiresAt'))),
  };

  return {
    async addHost(addition, { actor, at, requestId }) {
      const { tokenId, host } = addition;
      const values = { ...valuesOf(addition), actor, at, requestId: requestId ?? null };
      const claimed = (tokenId === undefined ? kept.claimByAdmin : kept.claimByToken)(values);
      const results = await orConflict(
        db.batch([
          claimed,
          kept.freeRested(values),
          kept.takeAddresses(values),
          kept.addCredential(values),
          kept.payUse(values),
          kept.auditHost(values),
          ...kept.followVersion.map((follow) => follow(values)),
          ...(host.expiresAt === null ? [] : [kept.dueBy(values)]),
        ]),
      );
      return 'conflict' in results ? results : results[0][0];
    },
  };
}

/** What stands for the placeholders: lists as JSON, truth as a number. */
function valuesOf({ networkId, host, credential, tokenId, ifVersion, releasedBefore }: HostAddition) {
  return {
    ...host,
    addresses: JSON.stringify(host.addresses),
    routes: JSON.stringify(host.routes),
    requestedRoutes: JSON.stringify(host.requestedRoutes),
    tags: JSON.stringify(host.tags),
    ephemeral: Number(host.ephemeral),
    networkId,
    credentialId: credential.id,
    credentialHash: credential.hash,
    tokenId: tokenId ?? '',
    action: tokenId === undefined ? 'host.add' : 'host.enrol',
    detail: host.requestedRoutes.length === 0 ? null : JSON.stringify({ requestedRoutes: host.requestedRoutes }),
    ifVersion: ifVersion ?? null,
    releasedBefore,
  };
}

/** Inserts the host if its token (or, without one, its network) is good, and nothing otherwise. */
function claim(db: Orm, sponsor: 'token' | 'admin') {
  const row = hostRow();
  const here = and(
    eq(networks.id, given('networkId')),
    sql`coalesce(${given('ifVersion')}, ${networks.version}) = ${networks.version}`,
  );
  if (sponsor === 'admin') return db.insert(hosts).select(db.select(row).from(networks).where(here)).returning();
  const good = and(
    eq(tokens.id, given('tokenId')),
    gt(tokens.remaining, 0),
    gt(tokens.expiresAt, act.at),
    isNull(tokens.revokedAt),
    here,
  );
  return db
    .insert(hosts)
    .select(db.select(row).from(tokens).innerJoin(networks, eq(networks.id, tokens.networkId)).where(good))
    .returning();
}

function hostRow() {
  const value = <T>(place: Placeholder | SQL, column: string) => sql<T>`${place}`.as(column);
  return {
    id: value<string>(given('id'), 'id'),
    networkId: networks.id,
    name: value<string>(given('name'), 'name'),
    publicKey: value<string>(given('publicKey'), 'public_key'),
    addresses: value<string[]>(given('addresses'), 'addresses'),
    routes: value<string[]>(given('routes'), 'routes'),
    listenPort: value<number>(given('listenPort'), 'listen_port'),
    endpoint: value<string | null>(given('endpoint'), 'endpoint'),
    observedEndpoint: sql<null>`NULL`.as('observed_endpoint'),
    observedAt: sql<null>`NULL`.as('observed_at'),
    version: versionAfter(act.at).as('version'),
    createdAt: value<number>(act.at, 'created_at'),
    deletedAt: sql<null>`NULL`.as('deleted_at'),
    tags: value<string[]>(given('tags'), 'tags'),
    ephemeral: value<boolean>(given('ephemeral'), 'ephemeral'),
    seenAt: sql<null>`NULL`.as('seen_at'),
    lifetimeSeconds: value<number | null>(given('lifetimeSeconds'), 'lifetime_seconds'),
    expiresAt: value<number | null>(given('expiresAt'), 'expires_at'),
    lapsedAt: sql<null>`NULL`.as('lapsed_at'),
    // Null, unless another host has announced this key: then it violates the unique index, as a key in use does.
    nextPublicKey: value<string | null>(
      sql`(SELECT h.next_public_key FROM hosts AS h WHERE h.network_id = ${networks.id} AND h.next_public_key = ${given('publicKey')} AND h.deleted_at IS NULL)`,
      'next_public_key',
    ),
    successorId: sql<null>`NULL`.as('successor_id'),
    viewVersion: sql<number>`0`.as('view_version'),
    requestedRoutes: value<string[]>(given('requestedRoutes'), 'requested_routes'),
    exitHostId: value<string | null>(given('exitHostId'), 'exit_host_id'),
    otherEndpoint: sql<null>`NULL`.as('other_endpoint'),
    otherObservedAt: sql<null>`NULL`.as('other_observed_at'),
  };
}
