/** What several requests name in their path, query and headers, with the words that the OpenAPI document has for it. */
import { z } from '@hono/zod-openapi';
import { HostName, MAX_PAGE } from '../wire.ts';

export const networkParams = z.object({
  network: HostName.meta({ description: 'The name of a network', example: 'home' }),
});
export const hostParams = networkParams.extend({
  host: HostName.meta({ description: 'The name of a host of the network', example: 'dolores' }),
});

/** The version that a host has. */
export const since = z.coerce.number().int().min(0).optional().openapi({
  description: 'The version that the host has: the answer is what changed after it. Without it, the whole list',
});

/** Lists come in pages: `after` is the `next` of the page before. */
export function pageQuery<T extends z.ZodString>(cursor: T) {
  const limit = z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE).openapi({
    description: 'How many are on a page at most',
  });
  const after = cursor.optional().describe('`next` of the page before; left out for the first');
  return z.object({ limit, after });
}

/**
 * For `parameters` of a route: read by route/conditional.ts, as a schema could say no more of it than that it is text. Without examples, which
 * Swagger UI would send.
 */
export const ifMatch = header(
  'If-Match',
  'The ETag of what was read, `"1767225600000"`: if it has changed since, nothing is done (412). What writes over fields wants it (428)',
);
export const ifNoneMatch = header('If-None-Match', 'The ETag of an earlier answer: 304 if it would be the same');

function header(name: string, description: string) {
  return { in: 'header', name, required: false, description, schema: { type: 'string' } } as const;
}
