/** All names of a network as files, for an administrator's DNS server. Hosts get theirs from GET /v1/config. */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { renderHostsFile } from '../render/hosts-file.ts';
import { renderZone } from '../render/zone.ts';
import { listNames } from '../service/names.ts';
import { HostName } from '../wire.ts';
import { adminOnly } from './role.ts';

const params = z.object({ network: HostName });
const FILES = [
  { path: '/v1/networks/{network}/zone', summary: 'All names as a zone file', render: renderZone },
  { path: '/v1/networks/{network}/hosts.txt', summary: 'All names as a hosts file', render: renderHostsFile },
] as const;

export function addNameRoutes(app: RegistryApp, context: RouteContext): void {
  for (const { path, summary, render } of FILES)
    app.openapi(
      createRoute({
        method: 'get',
        path,
        summary,
        tags: ['networks'],
        ...adminOnly(context),
        request: { params },
        responses: {
          200: { description: 'The file', content: { 'text/plain': { schema: z.string() } } },
          ...problemResponses(401, 403, 404, 422, 429),
        },
      }),
      async (c) => c.text(render(accepted(await listNames(c.req.valid('param').network, context.ports))), 200),
    );
}
