/** What a host says: what it observes, what lies behind it, and that it leaves. */
import { createRoute } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { leave } from '../service/hosts.ts';
import { renew } from '../service/life-cycle.ts';
import { report } from '../service/report.ts';
import { rotate } from '../service/rotation.ts';
import { changeSelf } from '../service/self.ts';
import { HostConfig, Renewed, Report, Reported, Rotation, SelfPatch } from '../wire.ts';
import { expectModeration, hostOnly } from './role.ts';

export function addSelfRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports } = context;
  const common = { tags: ['for hosts'], ...hostOnly(context) };
  const evenExpired = { tags: ['for hosts'], ...hostOnly(context, { expiredToo: true }) };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/report',
      summary: 'Say which endpoints the handshakes of others came from',
      ...common,
      request: { body: { required: true, content: { 'application/json': { schema: Report } } } },
      responses: {
        200: { description: 'The version after it', content: { 'application/json': { schema: Reported } } },
        ...problemResponses(400, 401, 403, 413, 415, 422, 429),
      },
    }),
    async (c) => {
      expectModeration(c, context);
      return c.json(await report(c.var.caller, c.req.valid('json'), ports), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/v1/self',
      summary: 'Say what lies behind the host, for an administrator to approve, and choose an exit',
      ...common,
      request: { body: { required: true, content: { 'application/json': { schema: SelfPatch } } } },
      responses: {
        200: { description: 'The configuration after it', content: { 'application/json': { schema: HostConfig } } },
        ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 503),
      },
    }),
    async (c) => {
      expectModeration(c, context);
      return c.json(accepted(await changeSelf(c.var.caller, c.req.valid('json'), ports)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/rotate',
      summary: 'Announce the next public key, or say that it is in use; the old one stays good until then',
      ...common,
      request: { body: { required: true, content: { 'application/json': { schema: Rotation } } } },
      responses: {
        200: { description: 'The configuration after it', content: { 'application/json': { schema: HostConfig } } },
        ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429),
      },
    }),
    async (c) => {
      expectModeration(c, context);
      return c.json(accepted(await rotate(c.var.caller, c.req.valid('json'), ports)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/renew',
      summary: 'Stay for another lifetime, also when it is over already',
      ...evenExpired,
      responses: {
        200: { description: 'When it ends', content: { 'application/json': { schema: Renewed } } },
        ...problemResponses(401, 403, 429),
      },
    }),
    async (c) => {
      expectModeration(c, context);
      return c.json(accepted(await renew(c.var.caller, ports)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/self',
      summary: 'Leave the network',
      ...evenExpired,
      responses: { 204: { description: 'The host is gone, and its key with it' }, ...problemResponses(401, 403, 429) },
    }),
    async (c) => {
      await leave(c.var.caller, ports);
      return c.body(null, 204);
    },
  );
}
