/**
 * The names of a network as files: all of them for an administrator's DNS server, and those that it may see for a host of the network.
 * GET /v1/config gives a host the same without the name of its network.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { renderHostsFile } from '../render/hosts-file.ts';
import { renderZone } from '../render/zone.ts';
import { listNames, namesFor } from '../service/names.ts';
import { HostName } from '../wire.ts';
import { adminOrHost, comesWithHostKey } from './role.ts';

const params = z.object({ network: HostName });
const FILES = [
  {
    path: '/v1/networks/{network}/zone',
    summary: 'The names as a zone file: all, or those that the asking host may see',
    render: renderZone,
  },
  {
    path: '/v1/networks/{network}/hosts.txt',
    summary: 'The names as a hosts file: all, or those that the asking host may see',
    render: renderHostsFile,
  },
] as const;

export function addNameRoutes(app: RegistryApp, context: RouteContext): void {
  for (const { path, summary, render } of FILES)
    app.openapi(
      createRoute({
        method: 'get',
        path,
        summary,
        tags: ['networks'],
        ...adminOrHost(context),
        request: { params },
        responses: {
          200: { description: 'The file', content: { 'text/plain': { schema: z.string() } } },
          ...problemResponses(401, 403, 404, 422, 429),
        },
      }),
      async (c) => {
        const { network } = c.req.valid('param');
        const { ports } = context;
        const names = comesWithHostKey(c)
          ? await namesFor(c.var.caller, network, ports)
          : await listNames(network, ports);
        return c.text(render(accepted(names)), 200);
      },
    );
}
