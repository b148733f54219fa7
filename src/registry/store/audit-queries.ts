/** The audit trail, as it is read. It is written where the changes are made, in the same batch. */
import { and, desc, eq, lt } from 'drizzle-orm';
import type { Orm } from './orm.ts';
import type { Store } from './port.ts';
import { audit } from './schema.ts';

export function auditQueries(db: Orm): Pick<Store, 'listAudit'> {
  return {
    async listAudit({ network, actor, action, target, before, limit }) {
      return db
        .select()
        .from(audit)
        .where(
          and(
            network === undefined ? undefined : eq(audit.network, network),
            actor === undefined ? undefined : eq(audit.actor, actor),
            action === undefined ? undefined : eq(audit.action, action),
            target === undefined ? undefined : eq(audit.target, target),
            before === undefined ? undefined : lt(audit.id, before),
          ),
        )
        .orderBy(desc(audit.id))
        .limit(limit);
    },
  };
}
