/** The sets of tags that there are among the hosts of a network, each with the version of the last change in it. */
import { and, count, eq, isNull, sql, type Placeholder } from 'drizzle-orm';
import { isAtVersion, type Orm } from './orm.ts';
import type { Store } from './port.ts';
import { hosts, tagVersions } from './schema.ts';

type TagSetQueries = Pick<Store, 'tagVersions' | 'listTagSets' | 'unusedTagSets' | 'forgetTagSets'>;

export function tagSetQueries(db: Orm): TagSetQueries {
  const columns = { tags: tagVersions.tags, version: tagVersions.version };
  const isOf = eq(tagVersions.networkId, sql.placeholder('id'));
  // Of the id that is given and not of the row, or SQLite would go through all hosts for each row.
  const isUnused = (id: number | Placeholder) =>
    sql`${tagVersions.tags} NOT IN (SELECT h.tags FROM hosts AS h WHERE h.network_id = ${id})`;
  const all = db.select(columns).from(tagVersions).where(isOf).prepare();
  const unused = db
    .select(columns)
    .from(tagVersions)
    .where(and(isOf, isUnused(sql.placeholder('id'))))
    .prepare();

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
      const told = new Map<string, number>();
      for (const { version, seenBy } of sets)
        for (const tags of seenBy.map((each) => JSON.stringify(each)))
          told.set(tags, Math.max(version, told.get(tags) ?? 0));
      const seen = JSON.stringify([...told]);
      const forgotten = JSON.stringify(sets.map(({ tags, version }) => [JSON.stringify(tags), version]));
      // Two statements, however many sets there are: at the edge a request may ask for so many and no more.
      await db.batch([
        db
          .update(hosts)
          .set({
            viewVersion: sql`max(${hosts.viewVersion}, (SELECT value ->> 1 FROM json_each(${seen}) WHERE value ->> 0 = ${hosts.tags}))`,
          })
          .where(
            and(
              eq(hosts.networkId, networkId),
              isNull(hosts.deletedAt),
              sql`${hosts.tags} IN (SELECT value ->> 0 FROM json_each(${seen}))`,
              isUnchanged,
            ),
          ),
        db
          .delete(tagVersions)
          .where(
            and(
              eq(tagVersions.networkId, networkId),
              sql`(${tagVersions.tags}, ${tagVersions.version}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${forgotten}))`,
              isUnused(networkId),
              isUnchanged,
            ),
          ),
      ]);
    },
  };
}
