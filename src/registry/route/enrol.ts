/**
 * POST /v1/enroll: a form or JSON in; wg0.conf or JSON out, as Accept says. With a token for a host that comes, with its own key for one
 * that is there already.
 */
import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { Context, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { plainConfig } from '../render/plain.ts';
import { renderWgQuick } from '../render/wg-config.ts';
import { enrol } from '../service/enrol.ts';
import { reEnrol } from '../service/re-enrol.ts';
import { Enrolled, EnrolForm, EnrolRequest, HostConfig } from '../wire.ts';
import { comesWithHostKey, expectModeration, tokenHolderOrHost } from './role.ts';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

export function addEnrolRoute(app: RegistryApp, context: RouteContext): void {
  const { ports, publicUrl } = context;
  const { security, middleware } = tokenHolderOrHost(context);
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/enroll',
      summary: 'Enrol a host; the answer is its wg0.conf, or JSON when Accept asks for it',
      description:
        'With an enrolment token a host comes. With its own host key and its present public key, a host that is there already says again what it is, and gets its configuration again, without the host key: for one that has lost its configuration, or is not sure whether it came in.',
      tags: ['hosts'],
      security,
      middleware: [middleware, bodyNeedsType] as const,
      request: { body: { content: { [JSON_TYPE]: { schema: EnrolRequest }, [FORM_TYPE]: { schema: EnrolForm } } } },
      responses: {
        200: {
          description: 'The configuration of a host that was there already',
          content: { 'text/plain': { schema: z.string() }, [JSON_TYPE]: { schema: HostConfig } },
        },
        201: {
          description: 'The configuration, with the host key that is shown this once',
          content: { 'text/plain': { schema: z.string() }, [JSON_TYPE]: { schema: Enrolled } },
        },
        ...problemResponses(400, 401, 403, 409, 413, 415, 422, 429, 503),
      },
    }),
    async (c) => {
      // The validator of the type that came has filled its own; the other one holds nothing.
      const form = c.req.valid('form');
      const request = 'name' in form ? form : c.req.valid('json');
      const type = preferredType(c);
      const registryUrl = publicUrl(c);
      if (comesWithHostKey(c)) {
        expectModeration(c, context, 'change');
        const config = accepted(await reEnrol(c.var.caller, request, ports));
        if (type === JSON_TYPE) return c.json(config, 200);
        return c.text(renderWgQuick(plainConfig(config), { registryUrl }), 200);
      }
      const { hostKey, ...config } = accepted(await enrol(request, c.var.holder, ports));
      if (type === JSON_TYPE) return c.json({ ...config, hostKey }, 201);
      return c.text(renderWgQuick(plainConfig(config), { registryUrl, hostKey }), 201);
    },
  );
}

function preferredType(c: Context<RegistryEnv>): string {
  c.header('vary', 'Accept');
  return accepts(c, { header: 'Accept', supports: [JSON_TYPE, 'text/plain'], default: 'text/plain' });
}

/** With two types to choose from, the validators pass a request that names none. */
const bodyNeedsType: MiddlewareHandler<RegistryEnv> = async (c, next) => {
  if (c.req.header('content-type') === undefined) throw new HTTPException(415);
  await next();
};
