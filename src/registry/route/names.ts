/**
 * The names of a network as files: all of them for an administrator's DNS server, and those that it may see for a host of the network.
 * GET /v1/config gives a host the same without the name of its network.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { renderHostsFile } from '../render/hosts-file.ts';
import { renderZone } from '../render/zone.ts';
import { isOverdue } from '../service/due.ts';
import { listNames, namesFor } from '../service/names.ts';
import { hasSeen, namesEtag } from './conditional.ts';
import { ifNoneMatch, networkParams } from './parameters.ts';
import { adminOrHost, comesWithHostKey } from './role.ts';

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
        request: { params: networkParams },
        parameters: [ifNoneMatch],
        responses: {
          200: { description: 'The file', content: { 'text/plain': { schema: z.string() } } },
          304: { description: 'Nothing changed since the ETag in If-None-Match' },
          ...problemResponses(401, 403, 404, 422, 429),
        },
      }),
      async (c) => {
        const { network } = c.req.valid('param');
        const { ports } = context;
        const reader = comesWithHostKey(c) ? c.var.caller : undefined;
        const names = accepted(await (reader ? namesFor(reader, network, ports) : listNames(network, ports)));
        const etag = namesEtag(names, render === renderZone ? 'zone' : 'hosts', reader);
        c.header('etag', etag);
        c.header('vary', 'Authorization');
        c.header('cache-control', 'private, no-cache');
        // What is due and not written has no version.
        if (hasSeen(c, etag) && !isOverdue(names.network, ports.wall())) return c.body(null, 304);
        return c.text(render(await names.read()), 200);
      },
    );
}
