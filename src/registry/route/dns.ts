/** DNS over HTTPS (RFC 8484) for the names of one network. The key is in the path: resolvers send no headers. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { decodeBase64 } from '../../bytes.ts';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { NAME_TTL_SECONDS } from '../render/zone.ts';
import { resolveFor } from '../service/dns.ts';
import { authenticateDnsKey, dnsKeyOf } from '../service/dns-key.ts';
import { admit, hostOnly } from './role.ts';

const DNS_TYPE = 'application/dns-message';
const PATH = '/v1/dns-query/{key}';
const params = z.object({
  key: z.string().max(100).openapi({ description: 'What GET /v1/dns-url ends with' }),
});
const message = z.string().openapi({ format: 'binary' });
/** Base64url without padding, of as much as a query is ever long. */
const dns = z
  .string()
  .max(2048)
  .regex(/^[A-Za-z0-9_-]*$/, 'expected base64url without padding')
  .openapi({
    description: 'A DNS message in base64url without padding',
    example: 'AAABAAABAAAAAAAAB2RvbG9yZXMEaG9tZQAAAQAB',
  });
const answered = {
  200: { description: 'A DNS message', content: { [DNS_TYPE]: { schema: message } } },
};

export function addDnsRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports, publicUrl } = context;
  const common = { tags: ['for hosts'], path: PATH };

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/dns-url',
      summary: 'Where the host asks for names with DNS over HTTPS; who knows it may ask, too',
      tags: ['for hosts'],
      ...hostOnly(context),
      responses: {
        200: { description: 'The address', content: { 'text/plain': { schema: z.string() } } },
        ...problemResponses(401, 403, 429),
      },
    }),
    async (c) => c.text(`${publicUrl(c)}/v1/dns-query/${accepted(await dnsKeyOf(c.var.caller, ports))}\n`, 200),
  );

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      summary: 'Answer a DNS query, in the parameter `dns` (RFC 8484)',
      request: { params, query: z.object({ dns }) },
      responses: { ...answered, ...problemResponses(404, 422, 429) },
    }),
    async (c) => resolve(c, c.req.valid('param').key, decodeBase64Url(c.req.valid('query').dns)),
  );

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      summary: 'Answer a DNS query, in the body (RFC 8484)',
      request: { params, body: { required: true, content: { [DNS_TYPE]: { schema: message } } } },
      responses: { ...answered, ...problemResponses(404, 413, 415, 422, 429) },
    }),
    async (c) => {
      if (c.req.header('content-type')?.toLowerCase() !== DNS_TYPE) throw new HTTPException(415);
      return resolve(c, c.req.valid('param').key, new Uint8Array(await c.req.arrayBuffer()));
    },
  );

  async function resolve(c: Context<RegistryEnv>, key: string, query: Uint8Array) {
    const caller = await admit(c, key, authenticateDnsKey, context);
    const answer = accepted(await resolveFor(caller, query, ports));
    return c.body(new Uint8Array(answer), 200, {
      'content-type': DNS_TYPE,
      'content-length': `${answer.length}`, // which dig needs
      'cache-control': `private, max-age=${NAME_TTL_SECONDS}`,
    });
  }
}

function decodeBase64Url(text: string): Uint8Array {
  const padded = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .padEnd(Math.ceil(text.length / 4) * 4, '=');
  return decodeBase64(padded) ?? new Uint8Array(0); // which is no query
}
