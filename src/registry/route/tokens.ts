/** /v1/networks/{network}/tokens */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { addToken, listTokens, revokeToken } from '../service/tokens.ts';
import { CreatedToken, NewToken, TokenList } from '../wire.ts';
import { adminChange, changeHeaders } from './once.ts';
import { networkParams, pageQuery } from './parameters.ts';
import { adminOnly } from './role.ts';

const tokenId = z.string().regex(/^pgt_[A-Za-z0-9_-]{8}$/);
const tokenParams = networkParams.extend({
  token: tokenId.openapi({ description: 'The id of a token: what it begins with', example: 'pgt_1a2b3c4d' }),
});

export function addTokenRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports, publicUrl } = context;
  const common = { tags: ['tokens'], ...adminOnly(context) };
  const change = { tags: ['tokens'], ...adminChange(context) };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/networks/{network}/tokens',
      summary: 'Make an enrolment token, shown once',
      ...change,
      request: {
        headers: changeHeaders,
        params: networkParams,
        body: { required: false, content: { 'application/json': { schema: NewToken } } }, // a token as most are needs no words
      },
      responses: {
        201: { description: 'The token', content: { 'application/json': { schema: CreatedToken } } },
        ...problemResponses(400, 401, 403, 404, 409, 413, 415, 422, 429),
      },
    }),
    async (c) => {
      const { network } = c.req.valid('param');
      const created = accepted(await addToken(network, c.req.valid('json'), c.var.admin, ports));
      return c.json({ ...created, joinUrl: `${publicUrl(c)}/${created.token}` }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/networks/{network}/tokens',
      summary: 'All tokens, without their secrets, newest first',
      ...common,
      request: { params: networkParams, query: pageQuery(tokenId) },
      responses: {
        200: { description: 'The tokens', content: { 'application/json': { schema: TokenList } } },
        ...problemResponses(401, 403, 404, 422, 429),
      },
    }),
    async (c) => c.json(accepted(await listTokens(c.req.valid('param').network, c.req.valid('query'), ports)), 200),
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/networks/{network}/tokens/{token}',
      summary: 'Revoke a token, by its id',
      ...change,
      request: { headers: changeHeaders, params: tokenParams },
      responses: {
        204: { description: 'It opens nothing any more' },
        ...problemResponses(401, 403, 404, 409, 422, 429),
      },
    }),
    async (c) => {
      const { network, token } = c.req.valid('param');
      accepted(await revokeToken(network, token, c.var.admin, ports));
      return c.body(null, 204);
    },
  );
}
