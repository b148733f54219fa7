/** Networks and administrators. */
import { and, asc, eq, exists, gt, inArray, isNull, not, sql } from 'drizzle-orm';
import { auditColumns, orConflict, type Orm } from './orm.ts';
import type { Store } from './port.ts';
import { addresses, audit, credentials, hosts, networks, tagVersions, tokens } from './schema.ts';

type NetworkQueries = Pick<
  Store,
  | 'addFirstAdmin'
  | 'findAdmin'
  | 'addNetwork'
  | 'listNetworks'
  | 'findNetwork'
  | 'networkById'
  | 'changeNetwork'
  | 'removeNetwork'
  | 'networkVersion'
>;

export function networkQueries(db: Orm): NetworkQueries {
  const admin = db
    .select({ id: credentials.id, hash: credentials.hash })
    .from(credentials)
    .where(and(eq(credentials.id, sql.placeholder('id')), eq(credentials.role, 'admin'), isNull(credentials.revokedAt)))
    .prepare();
  const byName = db
    .select()
    .from(networks)
    .where(eq(networks.name, sql.placeholder('name')))
    .prepare();
  const versionOf = db
    .select({ version: networks.version, forgottenVersion: networks.forgottenVersion })
    .from(networks)
    .where(eq(networks.id, sql.placeholder('id')))
    .prepare();

  return {
    async addFirstAdmin(credential, act) {
      const anyAdmin = sql`(SELECT 1 FROM credentials AS c WHERE c.role = 'admin' AND c.revoked_at IS NULL)`;
      const [added] = await db.batch([
        db
          .insert(credentials)
          .select(
            sql`SELECT ${credential.id}, ${credential.hash}, 'admin', NULL, ${act.at}, NULL WHERE NOT EXISTS ${anyAdmin}`,
          )
          .returning({ id: credentials.id }),
        // Of no network.
        db
          .insert(audit)
          .select(
            sql`SELECT NULL, ${act.at}, '', ${act.actor}, 'admin.add', c.id, NULL, NULL FROM credentials AS c WHERE c.id = ${credential.id}`,
          ),
      ]);
      return added.length === 1;
    },

    async findAdmin(id) {
      const [found] = await admin.all({ id });
      return found;
    },

    async addNetwork(network, act) {
      const { name, suffix, ranges, listenPort, createdAt } = network;
      const newest = sql`(SELECT coalesce(max(n.id), 0) FROM networks AS n)`;
      const rules = network.rules === null ? null : JSON.stringify(network.rules);
      const { quarantineSeconds, hostLifetimeSeconds, graceSeconds, silenceSeconds } = network;
      const settings = sql`1, ${rules}, ${quarantineSeconds}, ${hostLifetimeSeconds}, ${graceSeconds}, ${silenceSeconds}, NULL, 1, 0`;
      const row = sql`NULL, ${name}, ${suffix}, ${JSON.stringify(ranges)}, ${listenPort}, 1, ${createdAt}, ${settings}`;
      const added = await orConflict(
        db.batch([
          db
            .insert(networks)
            .select(sql`SELECT ${row} WHERE ${newest} = ${act.ifNewestId}`)
            .returning(),
          db.insert(audit).select(
            db
              .select(auditColumns(act, 'network.add', sql<string>`${networks.name}`))
              .from(networks)
              .where(and(eq(networks.name, name), gt(networks.id, act.ifNewestId))),
          ),
        ]),
      );
      return 'conflict' in added ? added : added[0][0];
    },

    async listNetworks({ after = '', limit } = { limit: -1 }) {
      return db.select().from(networks).where(gt(networks.name, after)).orderBy(asc(networks.name)).limit(limit);
    },

    async findNetwork(name) {
      const [found] = await byName.all({ name });
      return found;
    },

    async networkById(id) {
      const [found] = await db.select().from(networks).where(eq(networks.id, id));
      return found;
    },

    async changeNetwork({ id, version, revision }, { rules, ...changes }, act) {
      const unchanged = and(eq(networks.id, id), eq(networks.version, version), eq(networks.revision, revision));
      // Also when nobody notices the rules: whoever was about to change a host by the old ones has to look again.
      const isSeen = act.newViewsOf.length > 0 || rules !== undefined;
      const nextVersion = isSeen ? Math.max(version + 1, act.at) : version;
      const [, [changed]] = await db.batch([
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'network.change', sql<string>`${networks.name}`, JSON.stringify(act.detail)))
            .from(networks)
            .where(unchanged),
        ),
        db
          .update(networks)
          .set({
            ...changes,
            ...(rules !== undefined && { rules: rules?.map(({ from, to }) => ({ from, to })) ?? null }),
            version: nextVersion,
            revision: revision + 1,
            // How long hosts stay may have changed: the next request looks who is due.
            nextDueAt: act.at,
          })
          .where(unchanged)
          .returning(),
        db
          .update(hosts)
          .set({ viewVersion: nextVersion })
          .where(
            and(
              eq(hosts.networkId, id),
              isNull(hosts.deletedAt),
              sql`${hosts.tags} IN (SELECT value FROM json_each(${JSON.stringify(act.newViewsOf.map((tags) => JSON.stringify(tags)))}))`,
              // Whoever came first has changed the same: a list in full too much does no harm.
              sql`(SELECT n.version FROM networks AS n WHERE n.id = ${id}) = ${nextVersion}`,
            ),
          ),
      ]);
      return changed;
    },

    async removeNetwork({ id }, act) {
      // Each statement asks again whether hosts are left: one may have enrolled since the caller looked.
      const isEmpty = not(
        exists(
          db
            .select({ one: sql`1` })
            .from(hosts)
            .where(and(eq(hosts.networkId, id), isNull(hosts.deletedAt))),
        ),
      );
      const { ifRevision } = act;
      const revision = sql`(SELECT n.revision FROM networks AS n WHERE n.id = ${id})`;
      const empty = ifRevision === undefined ? isEmpty : and(isEmpty, sql`${revision} = ${ifRevision}`);
      const tombstones = db.select({ id: hosts.id }).from(hosts).where(eq(hosts.networkId, id));
      const results = await db.batch([
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'network.remove', sql<string>`${networks.name}`))
            .from(networks)
            .where(and(eq(networks.id, id), empty)),
        ),
        db.delete(credentials).where(and(inArray(credentials.hostId, tombstones), empty)),
        db.delete(addresses).where(and(eq(addresses.networkId, id), empty)),
        db.delete(tokens).where(and(eq(tokens.networkId, id), empty)),
        db.delete(hosts).where(and(eq(hosts.networkId, id), empty)),
        db.delete(tagVersions).where(and(eq(tagVersions.networkId, id), empty)),
        db
          .delete(networks)
          .where(and(eq(networks.id, id), empty))
          .returning({ id: networks.id }),
      ]);
      return results[6].length === 1;
    },

    async networkVersion(networkId) {
      const [found] = await versionOf.all({ id: networkId });
      return found;
    },
  };
}
