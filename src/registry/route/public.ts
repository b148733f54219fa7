/** What everybody may ask for: whether the registry is well, what it offers, and the join script. */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { renderJoinScript } from '../render/join-script.ts';
import { refuse } from '../service/result.ts';

/** A token in a path. Whether it is good shows when it is used: the script is the same for every one. */
const params = z.object({
  token: z
    .string()
    .regex(/^pgt_[A-Za-z0-9_-]{43}$/)
    .openapi({ description: 'An enrolment token. The script is the same for every one' }),
});

export function addPublicRoutes(app: RegistryApp, { publicUrl }: RouteContext): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/healthz',
      summary: 'Whether the registry answers',
      tags: ['public'],
      responses: {
        200: {
          description: 'It does',
          content: { 'application/json': { schema: z.object({ status: z.literal('ok') }) } },
        },
        ...problemResponses(),
      },
    }),
    (c) => c.json({ status: 'ok' as const }, 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{token}',
      summary: 'The join script, for `curl -fsS URL/TOKEN | sh`',
      tags: ['public'],
      request: { params },
      responses: {
        200: { description: 'A POSIX shell script', content: { 'text/plain': { schema: z.string() } } },
        ...problemResponses(404),
      },
    }),
    (c) => c.text(renderJoinScript({ registryUrl: publicUrl(c), token: c.req.valid('param').token }), 200),
    (result) => {
      if (!result.success) accepted(refuse('not-found', 'There is nothing here. /openapi.json lists all there is.'));
    },
  );
}
