/** /v1/networks */
import { createRoute } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import {
  addNetwork,
  changeNetwork,
  findNetwork,
  listNetworks,
  removeNetwork,
  viewNetwork,
} from '../service/networks.ts';
import { HostName, NetworkList, NetworkPatch, NetworkView, NewNetwork } from '../wire.ts';
import { expectedVersion, networkEtag, statedVersion } from './conditional.ts';
import { adminChange, changeHeaders } from './once.ts';
import { ifMatch, networkParams, pageQuery } from './parameters.ts';
import { adminOnly } from './role.ts';

const view = {
  description: 'The network; its ETag goes into If-Match',
  content: { 'application/json': { schema: NetworkView } },
};

export function addNetworkRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports } = context;
  const common = { tags: ['networks'], ...adminOnly(context) };
  const change = { tags: ['networks'], ...adminChange(context) };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/networks',
      summary: 'Make a network; ranges, port and suffix are chosen when they are not given',
      ...change,
      request: {
        headers: changeHeaders,
        body: { required: true, content: { 'application/json': { schema: NewNetwork } } },
      },
      responses: { 201: view, ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 503) },
    }),
    async (c) => c.json(accepted(await addNetwork(c.req.valid('json'), c.var.admin, ports)), 201),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/networks',
      summary: 'All networks, by name',
      ...common,
      request: { query: pageQuery(HostName) },
      responses: {
        200: { description: 'The networks', content: { 'application/json': { schema: NetworkList } } },
        ...problemResponses(401, 403, 422, 429),
      },
    }),
    async (c) => c.json(await listNetworks(c.req.valid('query'), ports), 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/networks/{network}',
      summary: 'One network',
      ...common,
      request: { params: networkParams },
      responses: { 200: view, ...problemResponses(401, 403, 404, 422, 429) },
    }),
    async (c) => {
      const network = viewNetwork(accepted(await findNetwork(c.req.valid('param').network, ports)));
      return c.json(network, 200, { etag: networkEtag(network) });
    },
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/v1/networks/{network}',
      summary: 'Change who sees whom, how long hosts stay, and the port of hosts to come',
      ...change,
      parameters: [ifMatch],
      request: {
        headers: changeHeaders,
        params: networkParams,
        body: { required: true, content: { 'application/json': { schema: NetworkPatch } } },
      },
      responses: { 200: view, ...problemResponses(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503) },
    }),
    async (c) => {
      const act = { ...c.var.admin, ifRevision: accepted(expectedVersion(c)) };
      const network = accepted(await changeNetwork(c.req.valid('param').network, c.req.valid('json'), act, ports));
      return c.json(network, 200, { etag: networkEtag(network) });
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/networks/{network}',
      summary: 'Remove a network that has no hosts any more',
      ...change,
      parameters: [ifMatch],
      request: { headers: changeHeaders, params: networkParams },
      responses: { 204: { description: 'It is gone' }, ...problemResponses(401, 403, 404, 409, 412, 422, 429) },
    }),
    async (c) => {
      const act = { ...c.var.admin, ifRevision: accepted(statedVersion(c)) };
      accepted(await removeNetwork(c.req.valid('param').network, act, ports));
      return c.body(null, 204);
    },
  );
}
