/** The store over any `Database`, by drizzle-orm/d1. */
import { auditQueries } from './audit-queries.ts';
import type { Database } from './database.ts';
import { hostQueries } from './host-queries.ts';
import { lifeCycleQueries } from './life-cycle-queries.ts';
import { networkQueries } from './network-queries.ts';
import { openOrm } from './orm.ts';
import type { Store } from './port.ts';
import { requestQueries } from './request-queries.ts';
import { statisticsQueries } from './statistics-queries.ts';
import { rotationQueries } from './rotation-queries.ts';
import { tagSetQueries } from './tag-set-queries.ts';
import { tokenQueries } from './token-queries.ts';

export function createD1Store(database: Database): Store {
  const db = openOrm(database);
  return {
    ...networkQueries(db),
    ...tokenQueries(db),
    ...hostQueries(db),
    ...lifeCycleQueries(db),
    ...rotationQueries(db),
    ...auditQueries(db),
    ...requestQueries(db),
    ...statisticsQueries(db),
    ...tagSetQueries(db),
  };
}
