/** Lists come in pages: `after` is the `next` of the page before. */
import { z } from '@hono/zod-openapi';
import { MAX_PAGE } from '../wire.ts';

export function pageQuery<T extends z.ZodString>(cursor: T) {
  const limit = z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE);
  return z.object({ limit, after: cursor.optional() });
}
