/** /v1/networks/{network}/hosts: what an administrator does with hosts. */
import { createRoute } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { addHost } from '../service/enrol.ts';
import { changeHost, getHost, listHosts, removeHost } from '../service/hosts.ts';
import { renewHost, restoreHost } from '../service/life-cycle.ts';
import { Enrolled, HostList, HostName, HostPatch, HostView, NewHost } from '../wire.ts';
import { expectedVersion, hostEtag, statedVersion } from './conditional.ts';
import { adminChange, changeHeaders } from './once.ts';
import { hostParams, ifMatch, networkParams, pageQuery } from './parameters.ts';
import { adminOnly } from './role.ts';

const view = {
  description: 'The host; its ETag goes into If-Match',
  content: { 'application/json': { schema: HostView } },
};

export function addHostRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports } = context;
  const common = { tags: ['hosts'], ...adminOnly(context) };
  const change = { tags: ['hosts'], ...adminChange(context) };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/networks/{network}/hosts',
      summary: 'Add a host without a token',
      ...change,
      request: {
        headers: changeHeaders,
        params: networkParams,
        body: { required: true, content: { 'application/json': { schema: NewHost } } },
      },
      responses: {
        201: { description: 'Its configuration and key', content: { 'application/json': { schema: Enrolled } } },
        ...problemResponses(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
      },
    }),
    async (c) => {
      const { network } = c.req.valid('param');
      return c.json(accepted(await addHost(network, c.req.valid('json'), c.var.admin, ports)), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/networks/{network}/hosts',
      summary: 'All hosts, by name',
      ...common,
      request: { params: networkParams, query: pageQuery(HostName) },
      responses: {
        200: { description: 'The hosts', content: { 'application/json': { schema: HostList } } },
        ...problemResponses(401, 403, 404, 422, 429),
      },
    }),
    async (c) => c.json(accepted(await listHosts(c.req.valid('param').network, c.req.valid('query'), ports)), 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/networks/{network}/hosts/{host}',
      summary: 'One host',
      ...common,
      request: { params: hostParams },
      responses: { 200: view, ...problemResponses(401, 403, 404, 422, 429) },
    }),
    async (c) => {
      const host = accepted(await getHost(c.req.valid('param'), ports));
      return c.json(host, 200, { etag: hostEtag(host) });
    },
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/v1/networks/{network}/hosts/{host}',
      summary: 'Change its endpoint, port, routes, exit or tags; approve or refuse the routes that it asks for',
      ...change,
      parameters: [ifMatch],
      request: {
        headers: changeHeaders,
        params: hostParams,
        body: { required: true, content: { 'application/json': { schema: HostPatch } } },
      },
      responses: { 200: view, ...problemResponses(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503) },
    }),
    async (c) => {
      const act = { ...c.var.admin, ifVersion: accepted(expectedVersion(c)) };
      const host = accepted(await changeHost(c.req.valid('param'), c.req.valid('json'), act, ports));
      return c.json(host, 200, { etag: hostEtag(host) });
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/networks/{network}/hosts/{host}',
      summary: 'Revoke a host: its key dies, its peers forget it, its addresses rest',
      ...change,
      parameters: [ifMatch],
      request: { headers: changeHeaders, params: hostParams },
      responses: { 204: { description: 'It is gone' }, ...problemResponses(401, 403, 404, 409, 412, 422, 429) },
    }),
    async (c) => {
      const act = { ...c.var.admin, ifVersion: accepted(statedVersion(c)) };
      accepted(await removeHost(c.req.valid('param'), act, ports));
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/networks/{network}/hosts/{host}/restore',
      summary: 'Undo the removal of a host, while its addresses rest: its key is good again',
      ...change,
      request: { headers: changeHeaders, params: hostParams },
      responses: { 200: view, ...problemResponses(401, 403, 404, 409, 422, 429, 503) },
    }),
    async (c) => {
      const host = accepted(await restoreHost(c.req.valid('param'), c.var.admin, ports));
      return c.json(host, 200, { etag: hostEtag(host) });
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/networks/{network}/hosts/{host}/renew',
      summary: 'Let a host stay for another lifetime, also when it is over already',
      ...change,
      parameters: [ifMatch],
      request: { headers: changeHeaders, params: hostParams },
      responses: { 200: view, ...problemResponses(401, 403, 404, 409, 412, 422, 429) },
    }),
    async (c) => {
      const act = { ...c.var.admin, ifVersion: accepted(statedVersion(c)) };
      const host = accepted(await renewHost(c.req.valid('param'), act, ports));
      return c.json(host, 200, { etag: hostEtag(host) });
    },
  );
}
