/** What a host reads: its configuration and its peers. Both are answered from the version alone while nothing changed. */
import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { Context } from 'hono';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { hasWaited, holdRequest } from '../service/held-requests.ts';
import { accepted, problemResponses, refuseForRetry } from '../problem.ts';
import { FORMAT_NAMES, renderConfig } from '../render/formats.ts';
import type { HostCaller } from '../service/credentials.ts';
import { isOverdue } from '../service/due.ts';
import { hostConfig, listPeers, waitMs } from '../service/peers.ts';
import { HostConfig, PeerList } from '../wire.ts';
import { hasSeen, viewEtag } from './conditional.ts';
import { expectModeration, hostOnly } from './role.ts';

/** Below the minute after which proxies close a silent connection. */
const MAX_WAIT_SECONDS = 55;
const JSON_TYPE = 'application/json';

const wait = z.coerce
  .number()
  .int()
  .min(0)
  .max(MAX_WAIT_SECONDS)
  .optional()
  .openapi({ description: 'Seconds to hold the request until something changed' });
/** A name in each of the formats: OpenWrt allows no hyphen. */
const interfaceName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,14}$/, 'expected lower-case letters, digits and underscores, at most 15')
  .optional()
  .openapi({ description: 'What the interface is called on the host; wg0 unless said' });
const unchanged = { description: 'Nothing changed since the ETag in If-None-Match' };

export function addHostViewRoutes(app: RegistryApp, context: RouteContext): void {
  const { ports, publicUrl, requests } = context;
  const common = { tags: ['for hosts'], ...hostOnly(context) };

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/peers',
      summary: 'The peers of the host, or what changed of them',
      ...common,
      request: { query: z.object({ since: z.coerce.number().int().min(0).optional(), wait }) },
      responses: {
        200: { description: 'The peers', content: { [JSON_TYPE]: { schema: PeerList } } },
        304: unchanged,
        ...problemResponses(401, 403, 422, 429),
      },
    }),
    async (c) => {
      const { since, wait } = c.req.valid('query');
      const caller = fresh(c, { format: 'json', since, wait });
      if (caller === undefined) return c.body(null, 304);
      return c.json(await listPeers(caller, since, ports), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/config',
      summary: 'The configuration of the host, or the names that it sees, in the format of another program or as JSON',
      ...common,
      request: {
        query: z.object({ format: z.enum(['json', ...FORMAT_NAMES]).optional(), interface: interfaceName, wait }),
      },
      responses: {
        200: {
          description: 'The configuration, without the private key',
          content: { 'text/plain': { schema: z.string() }, [JSON_TYPE]: { schema: HostConfig } },
        },
        304: unchanged,
        ...problemResponses(401, 403, 422, 429),
      },
    }),
    async (c) => {
      const { format = preferredFormat(c), interface: name = 'wg0', wait } = c.req.valid('query');
      const caller = fresh(c, { format: `${format}.${name}`, wait });
      if (caller === undefined) return c.body(null, 304);
      const config = await hostConfig(caller, ports);
      if (format === 'json') return c.json(config, 200);
      return c.text(renderConfig(format, config, { interface: name, registryUrl: publicUrl(c) }), 200);
    },
  );

  /** The caller at a version that it has not seen; undefined when it has seen the newest, or is going to wait as it asked. */
  function fresh(
    c: Context<RegistryEnv>,
    { format, since, wait = 0 }: { format: string; since?: number | undefined; wait?: number | undefined },
  ): HostCaller | undefined {
    const { caller } = c.var;
    const etag = viewEtag(caller, format);
    const sawNewest = hasSeen(c, etag);
    const seen = since ?? (sawNewest ? caller.network.version : undefined);
    if (seen !== undefined && wait > 0 && !hasWaited(c.req.raw)) {
      expectModeration(c, context);
      // A version from the future was seen before a backup came back: there is news at once.
      if (caller.network.version === seen && ports.bell.pollSeconds === undefined) {
        hold(c, seen, 1000 * wait);
        return undefined;
      }
    }
    c.header('etag', etag);
    c.header('vary', 'Accept, Authorization');
    c.header('cache-control', 'private, no-cache');
    if (ports.bell.listen !== undefined) c.header('peerage-push', 'websocket');
    // What is due and not written has no version.
    if (!sawNewest || isOverdue(caller.network, ports.wall())) return caller;
    if (ports.bell.pollSeconds !== undefined) c.header('retry-after', `${ports.bell.pollSeconds}`);
    return undefined;
  }

  function hold(c: Context<RegistryEnv>, seen: number, timeoutMs: number): void {
    const { caller } = c.var;
    const release = requests.hold(caller.host.id);
    if (release === undefined) accepted(refuseForRetry('Too many requests of this host wait.', timeoutMs));
    else
      holdRequest(c.req.raw, {
        networkId: caller.network.id,
        seen,
        timeoutMs: waitMs(caller, timeoutMs, ports),
        release,
      });
  }
}

function preferredFormat(c: Context<RegistryEnv>): 'wg-quick' | 'json' {
  const type = accepts(c, { header: 'Accept', supports: [JSON_TYPE, 'text/plain'], default: 'text/plain' });
  return type === JSON_TYPE ? 'json' : 'wg-quick';
}
