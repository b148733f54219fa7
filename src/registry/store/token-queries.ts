/** Enrolment tokens. Their use is claimed where the host is added: host-queries.ts. */
import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import { auditColumns, refersToNothing, type Orm } from './orm.ts';
import type { Store } from './port.ts';
import { audit, networks, tokens } from './schema.ts';

type TokenQueries = Pick<Store, 'addToken' | 'findToken' | 'listTokens' | 'revokeToken'>;

export function tokenQueries(db: Orm): TokenQueries {
  const byId = db
    .select({ token: tokens, network: networks })
    .from(tokens)
    .innerJoin(networks, eq(networks.id, tokens.networkId))
    .where(eq(tokens.id, sql.placeholder('id')))
    .prepare();

  return {
    async addToken(token, act) {
      const adding = db.batch([
        db.insert(tokens).values({ ...token, routes: [...token.routes], tags: [...token.tags] }),
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'token.add', sql<string>`${token.id}`, JSON.stringify(act.detail)))
            .from(networks)
            .where(eq(networks.id, token.networkId)),
        ),
      ]);
      return adding.then(
        () => true,
        (error: unknown) => {
          if (refersToNothing(error)) return false;
          throw error;
        },
      );
    },

    async findToken(id) {
      const [found] = await byId.all({ id });
      return found;
    },

    async listTokens(networkId, { after, limit }) {
      const last = sql`(SELECT t.created_at, t.id FROM tokens AS t WHERE t.id = ${after})`;
      const older = after === undefined ? undefined : sql`(${tokens.createdAt}, ${tokens.id}) < ${last}`;
      return db
        .select()
        .from(tokens)
        .where(and(eq(tokens.networkId, networkId), older))
        .orderBy(desc(tokens.createdAt), desc(tokens.id))
        .limit(limit);
    },

    async revokeToken(networkId, id, act) {
      const live = and(eq(tokens.id, id), eq(tokens.networkId, networkId), isNull(tokens.revokedAt));
      const [, , found] = await db.batch([
        db.insert(audit).select(
          db
            .select(auditColumns(act, 'token.revoke', sql<string>`${tokens.id}`))
            .from(tokens)
            .innerJoin(networks, eq(networks.id, tokens.networkId))
            .where(live),
        ),
        db.update(tokens).set({ revokedAt: act.at }).where(live),
        db
          .select({ id: tokens.id })
          .from(tokens)
          .where(and(eq(tokens.id, id), eq(tokens.networkId, networkId))),
      ]);
      return found.length === 1;
    },
  };
}
