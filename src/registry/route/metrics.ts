/** /v1/metrics and /readyz: for machines that watch over the registry. */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { problemResponses } from '../problem.ts';
import { renderMetrics, type RequestCounts } from '../service/metrics.ts';
import { adminOnly } from './role.ts';

export function addMetricsRoutes(
  app: RegistryApp,
  context: RouteContext,
  { counts, schema }: { counts: RequestCounts; schema: string },
): void {
  const { ports, requests } = context;

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/metrics',
      summary: 'Counts for Prometheus',
      tags: ['operations'],
      ...adminOnly(context),
      responses: {
        200: { description: 'Its text format', content: { 'text/plain': { schema: z.string() } } },
        ...problemResponses(401, 403, 429),
      },
    }),
    async (c) => {
      const store = await ports.store.statistics(ports.wall());
      const text = renderMetrics({ counts, waiting: requests.held, store, schema });
      return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/readyz',
      summary: 'Whether the registry reaches its database',
      tags: ['public'],
      responses: {
        200: {
          description: 'It does',
          content: { 'application/json': { schema: z.object({ status: z.literal('ready') }) } },
        },
        ...problemResponses(),
      },
    }),
    async (c) => {
      await ports.store.networkVersion(0); // no network has this number: the answer is one look into an index
      return c.json({ status: 'ready' as const }, 200);
    },
  );
}
