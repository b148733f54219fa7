/** Requests that were sent with an Idempotency-Key: what became of each is kept for a day. */
import { and, eq, lt, sql } from 'drizzle-orm';
import type { Orm } from './orm.ts';
import type { RequestClaim, Store } from './port.ts';
import { requests } from './schema.ts';

const DAY_MS = 86_400_000;

type RequestQueries = Pick<Store, 'claimRequest' | 'completeRequest' | 'forgetRequest'>;

export function requestQueries(db: Orm): RequestQueries {
  const claimed = ({ caller, keyHash }: RequestClaim) =>
    and(eq(requests.caller, caller), eq(requests.keyHash, keyHash));

  return {
    async claimRequest(claim, at) {
      const [, [earlier]] = await db.batch([
        db.delete(requests).where(lt(requests.createdAt, at - DAY_MS)),
        db
          .select({ requestHash: requests.requestHash, status: requests.status, answer: requests.answer })
          .from(requests)
          .where(claimed(claim)),
        db
          .insert(requests)
          .values({ ...claim, status: sql`NULL`, answer: sql`NULL`, createdAt: at })
          .onConflictDoNothing(),
      ]);
      return earlier;
    },

    async completeRequest(claim, status, answer) {
      await db.update(requests).set({ status, answer }).where(claimed(claim));
    },

    async forgetRequest(claim) {
      await db.delete(requests).where(claimed(claim));
    },
  };
}
