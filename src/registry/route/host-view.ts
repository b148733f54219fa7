/** What a host reads: its configuration and its peers. Both are answered from the version alone while nothing changed. */
import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { Context } from 'hono';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { holdRequest, waitOf } from '../service/held-requests.ts';
import { accepted, problemResponses, refuseForRetry } from '../problem.ts';
import { FORMAT_NAMES, renderConfig } from '../render/formats.ts';
import type { HostCaller } from '../service/credentials.ts';
import { isOverdue } from '../service/due.ts';
import { hostConfig, listPeers, waiterOf, waitMs } from '../service/peers.ts';
import { hasNews, viewOf } from '../service/view.ts';
import { HostConfig, PeerList } from '../wire.ts';
import { hasSeen, viewEtag } from './conditional.ts';
import { ifNoneMatch, since } from './parameters.ts';
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
  .openapi({ description: 'What the interface is called on the host; wg0 unless said', example: 'wg0' });
const format = z
  .enum(['json', ...FORMAT_NAMES])
  .optional()
  .openapi({ description: 'For which program; without it, wg-quick or JSON as Accept says', example: 'wg-quick' });
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
      request: { query: z.object({ since, wait }) },
      parameters: [ifNoneMatch],
      responses: {
        200: { description: 'The peers', content: { [JSON_TYPE]: { schema: PeerList } } },
        304: unchanged,
        ...problemResponses(401, 403, 422, 429),
      },
    }),
    async (c) => {
      const { since, wait } = c.req.valid('query');
      const caller = await fresh(c, { format: 'json', since, wait });
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
        query: z.object({ format, interface: interfaceName, wait }),
      },
      parameters: [ifNoneMatch],
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
      const caller = await fresh(c, { format: `${format}.${name}`, wait });
      if (caller === undefined) return c.body(null, 304);
      const config = await hostConfig(caller, ports);
      if (format === 'json') return c.json(config, 200);
      return c.text(renderConfig(format, config, { interface: name, registryUrl: publicUrl(c) }), 200);
    },
  );

  /** The caller when there is something that it has not seen; undefined when there is not, or it is going to wait as it asked. */
  async function fresh(
    c: Context<RegistryEnv>,
    { format, since, wait = 0 }: { format: string; since?: number | undefined; wait?: number | undefined },
  ): Promise<HostCaller | undefined> {
    const view = await viewOf(c.var.caller, ports);
    const etag = viewEtag(view, format);
    const sawNewest = hasSeen(c, etag);
    const seen = since ?? (sawNewest ? view.version : undefined);
    if (seen !== undefined && wait > 0 && mayWait(c) && ports.bell.pollSeconds === undefined && !hasNews(view, seen)) {
      hold(c, 1000 * wait);
      return undefined;
    }
    c.header('etag', etag);
    c.header('vary', 'Accept, Authorization');
    c.header('cache-control', 'private, no-cache');
    if (ports.bell.listen !== undefined) c.header('peerage-push', 'websocket');
    // What is due and not written has no version.
    if (!sawNewest || isOverdue(view.network, ports.wall())) return view;
    if (ports.bell.pollSeconds !== undefined) c.header('retry-after', `${ports.bell.pollSeconds}`);
    return undefined;
  }

  /** Not any more when its time is up, or when what is due could not be written. */
  function mayWait(c: Context<RegistryEnv>): boolean {
    return (
      waitOf(c.req.raw) !== 'over' && !(waitOf(c.req.raw) === 'woken' && isOverdue(c.var.caller.network, ports.wall()))
    );
  }

  function hold(c: Context<RegistryEnv>, timeoutMs: number): void {
    const { caller } = c.var;
    const isFirst = waitOf(c.req.raw) === 'begins';
    if (isFirst) expectModeration(c, context);
    const release = isFirst ? requests.hold(caller.host.id) : () => {};
    if (release === undefined) accepted(refuseForRetry('Too many requests of this host wait.', timeoutMs));
    else
      holdRequest(c.req.raw, {
        networkId: caller.network.id,
        waiter: waiterOf(caller),
        timeoutMs,
        lookAgainMs: waitMs(caller, timeoutMs, ports),
        release,
      });
  }
}

function preferredFormat(c: Context<RegistryEnv>): 'wg-quick' | 'json' {
  const type = accepts(c, { header: 'Accept', supports: [JSON_TYPE, 'text/plain'], default: 'text/plain' });
  return type === JSON_TYPE ? 'json' : 'wg-quick';
}
