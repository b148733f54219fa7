/** /v1/audit */
import { createRoute } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { problemResponses } from '../problem.ts';
import { listAudit } from '../service/audit.ts';
import { AuditList, AuditQuery } from '../wire-audit.ts';
import { adminOnly } from './role.ts';

export function addAuditRoute(app: RegistryApp, context: RouteContext): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/audit',
      summary: 'Who changed what, newest first',
      tags: ['operations'],
      ...adminOnly(context),
      request: { query: AuditQuery },
      responses: {
        200: { description: 'A page of entries', content: { 'application/json': { schema: AuditList } } },
        ...problemResponses(401, 403, 422, 429),
      },
    }),
    async (c) => c.json(await listAudit(c.req.valid('query'), context.ports), 200),
  );
}
