/** Numbers for those who watch over the registry. */
import { sql } from 'drizzle-orm';
import type { Orm } from './orm.ts';
import type { Store } from './port.ts';
import { networks } from './schema.ts';

export function statisticsQueries(db: Orm): Pick<Store, 'statistics'> {
  return {
    async statistics(now) {
      const counted = await db
        .select({
          name: networks.name,
          version: networks.version,
          // Names in full: in a query of one table Drizzle leaves the table out.
          hosts: sql<number>`(SELECT count(*) FROM hosts AS h WHERE h.network_id = networks.id AND h.deleted_at IS NULL)`,
          tokens: sql<number>`(SELECT count(*) FROM tokens AS t WHERE t.network_id = networks.id
            AND t.remaining > 0 AND t.expires_at > ${now} AND t.revoked_at IS NULL)`,
        })
        .from(networks)
        .orderBy(networks.name);
      return { networks: counted, bytes: await databaseBytes(db) };
    },
  };
}

/** Null on D1, which does not let anybody ask. */
async function databaseBytes(db: Orm): Promise<number | null> {
  try {
    const [row] = await db.all<{ bytes: number }>(
      sql`SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()`,
    );
    return row?.bytes ?? null;
  } catch {
    return null;
  }
}
