/** What a host says: what it observes, what lies behind it, and that it leaves. */
import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { leave } from '../service/hosts.ts';
import { renew } from '../service/life-cycle.ts';
import { report } from '../service/report.ts';
import { rotate } from '../service/rotation.ts';
import { changeSelf } from '../service/self.ts';
import { parseDump } from '../service/wg-dump.ts';
import { HostConfig, Renewed, Report, Reported, Rotation, SelfPatch } from '../wire.ts';
import { expectModeration, hostOnly } from './role.ts';

const SECRETS_WARNING =
  'The dump held a private key or preshared keys, which no registry needs. They were not kept. Leave them out: wg show wg0 dump | tail -n +2 | cut -f 1,3,5';

export function addSelfRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports } = context;
  const { security, middleware } = hostOnly(context);
  const common = { tags: ['for hosts'], security, middleware };
  const evenExpired = { tags: ['for hosts'], ...hostOnly(context, { expiredToo: true }) };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/report',
      summary: 'Say which endpoints the handshakes of others came from, as JSON or as wg show dump prints it',
      ...common,
      middleware: [middleware, formIsText] as const,
      request: { body: { content: { 'application/json': { schema: Report }, 'text/plain': { schema: z.string() } } } },
      responses: {
        200: { description: 'The version after it', content: { 'application/json': { schema: Reported } } },
        ...problemResponses(400, 401, 403, 413, 415, 422, 429),
      },
    }),
    async (c) => {
      expectModeration(c, context);
      const { caller } = c.var;
      const sent = c.req.valid('json');
      // The validator of JSON leaves another type alone.
      if (typeof sent !== 'string' && !isText(c.req.header('content-type')))
        return c.json(await report(caller, sent, ports), 200);
      const dump = accepted(parseDump(await c.req.text(), caller.host.publicKey));
      const reported = await report(caller, dump.report, ports);
      return c.json(dump.heldSecrets ? { ...reported, warning: SECRETS_WARNING } : reported, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/v1/self',
      summary: 'Say what lies behind the host, for an administrator to approve, and choose an exit',
      ...common,
      // Whoever says nothing changes nothing.
      request: { body: { required: false, content: { 'application/json': { schema: SelfPatch } } } },
      responses: {
        200: { description: 'The configuration after it', content: { 'application/json': { schema: HostConfig } } },
        ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 503),
      },
    }),
    async (c) => {
      expectModeration(c, context, 'change');
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
      expectModeration(c, context, 'change');
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
      expectModeration(c, context, 'change');
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

/** `curl --data-binary @-` calls whatever it sends a form. Ours has no forms; and with two types, a request that names none would pass. */
const formIsText: MiddlewareHandler<RegistryEnv> = async (c, next) => {
  const type = c.req.header('content-type');
  if (type === undefined) throw new HTTPException(415);
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
    const headers = new Headers(c.req.raw.headers);
    headers.set('content-type', 'text/plain');
    c.req.raw = new Request(c.req.raw, { headers });
  }
  await next();
};

function isText(type: string | undefined): boolean {
  return /^text\/plain\b/i.test(type ?? '');
}
