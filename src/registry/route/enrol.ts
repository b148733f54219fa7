/** POST /v1/enroll: a form or JSON in; wg0.conf or JSON out, as Accept says. */
import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { plainConfig } from '../render/plain.ts';
import { renderWgQuick } from '../render/wg-config.ts';
import { enrol } from '../service/enrol.ts';
import { Enrolled, EnrolForm, EnrolRequest } from '../wire.ts';
import { tokenHolderOnly } from './role.ts';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

export function addEnrolRoute(app: RegistryApp, context: RouteContext): void {
  const { ports, publicUrl } = context;
  const { security, middleware } = tokenHolderOnly(context);
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/enroll',
      summary: 'Enrol a host; the answer is its wg0.conf, or JSON when Accept asks for it',
      tags: ['hosts'],
      security,
      middleware: [middleware, bodyNeedsType] as const,
      request: { body: { content: { [JSON_TYPE]: { schema: EnrolRequest }, [FORM_TYPE]: { schema: EnrolForm } } } },
      responses: {
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
      const { hostKey, ...config } = accepted(await enrol(request, c.var.holder, ports));
      c.header('vary', 'Accept');
      const type = accepts(c, { header: 'Accept', supports: [JSON_TYPE, 'text/plain'], default: 'text/plain' });
      if (type === JSON_TYPE) return c.json({ ...config, hostKey }, 201);
      return c.text(renderWgQuick(plainConfig(config), { registryUrl: publicUrl(c), hostKey }), 201);
    },
  );
}

/** With two types to choose from, the validators pass a request that names none. */
const bodyNeedsType: MiddlewareHandler<RegistryEnv> = async (c, next) => {
  if (c.req.header('content-type') === undefined) throw new HTTPException(415);
  await next();
};
