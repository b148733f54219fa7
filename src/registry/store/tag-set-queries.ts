/** The sets of tags that there are among the hosts of a network, each with the version of the last change in it. */
import { and, count, eq, isNull, sql } from 'drizzle-orm';
import { isAtVersion, type Orm } from './orm.ts';
import type { Store } from './port.ts';
import { hosts, tagVersions } from './schema.ts';

type TagSetQueries = Pick<Store, 'tagVersions' | 'listTagSets' | 'unusedTagSets' | 'forgetTagSets'>;

export function tagSetQueries(db: Orm): TagSetQueries {
  const columns = { tags: tagVersions.tags, version: tagVersions.version };
  const isOf = eq(tagVersions.networkId, sql.placeholder('id'));
  const isUnused = sql`${tagVersions.tags} NOT IN (SELECT h.tags FROM hosts AS h WHERE h.network_id = ${tagVersions.networkId})`;
  const all = db.select(columns).from(tagVersions).where(isOf).prepare();
  const unused = db.select(columns).from(tagVersions).where(and(isOf, isUnused)).prepare();

  return {
    tagVersions: (networkId) => all.all({ id: networkId }),

    async listTagSets(networkId) {
      return db
        .select({ tags: hosts.tags, hosts: count() })
        .from(hosts)
        .where(eq(hosts.networkId, networkId))
        .groupBy(hosts.tags);
    },

    unusedTagSets: (networkId) => unused.all({ id: networkId }),

    async forgetTagSets(networkId, sets, ifVersion) {
      const isUnchanged = isAtVersion(networkId, ifVersion);
      const statements = sets.flatMap(({ tags, version, seenBy }) => [
        db
          .update(hosts)
          .set({ viewVersion: sql`max(${hosts.viewVersion}, ${version})` })
          .where(
            and(
              eq(hosts.networkId, networkId),
              isNull(hosts.deletedAt),
              sql`${hosts.tags} IN (SELECT value FROM json_each(${JSON.stringify(seenBy.map((each) => JSON.stringify(each)))}))`,
              isUnchanged,
            ),
          ),
        db
          .delete(tagVersions)
          .where(
            and(
              eq(tagVersions.networkId, networkId),
              eq(tagVersions.tags, [...tags]),
              eq(tagVersions.version, version),
              isUnused,
              isUnchanged,
            ),
          ),
      ]);
      const [first, ...others] = statements;
      if (first !== undefined) await db.batch([first, ...others]);
    },
  };
}
