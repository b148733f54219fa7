/** Server-sent events: the peers of a host, and every change of them as it happens, over one request that stays. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import type { RegistryApp, RegistryEnv, RouteContext } from '../env.ts';
import { accepted, problemResponses, refuseForRetry } from '../problem.ts';
import type { HostCaller } from '../service/credentials.ts';
import { awaitNews, listPeers } from '../service/peers.ts';
import { refuse } from '../service/result.ts';
import { since } from './parameters.ts';
import { expectModeration, hostOnly } from './role.ts';

/** Shorter than what proxies take for the end of a silent connection. */
const HEARTBEAT_MS = 25_000;

const lastEventId = z.coerce.number().int().min(0).optional().openapi({
  description: 'The version that the host has, as a browser says it when it comes again; goes before `since`',
});

export function addEventRoute(app: RegistryApp, context: RouteContext): void {
  const { ports, requests } = context;
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/events',
      summary: 'The peers of the host and every change of them, as server-sent events',
      tags: ['for hosts'],
      ...hostOnly(context),
      request: {
        query: z.object({ since }),
        headers: z.object({ 'last-event-id': lastEventId }),
      },
      responses: {
        200: {
          description: 'Events named `peers`, each with a list as GET /v1/peers answers it, and the version as its id',
          content: { 'text/event-stream': { schema: z.string() } },
        },
        ...problemResponses(401, 403, 422, 429, 501),
      },
    }),
    (c) => {
      const seen = c.req.valid('header')['last-event-id'] ?? c.req.valid('query').since;
      expectEvents(context);
      expectModeration(c, context);
      return hold(c, (stream, signal) => follow(c.var.caller, seen, { stream, signal }));
    },
  );

  /** The answer, held for as long as it is written; the places to wait are those of `?wait=`, too. */
  function hold(
    c: Context<RegistryEnv>,
    write: (stream: SSEStreamingApi, signal: AbortSignal) => Promise<void>,
  ): Response {
    const release = requests.hold(c.var.caller.host.id);
    if (release === undefined) return accepted(refuseForRetry('Too many requests of this host wait.', HEARTBEAT_MS));
    const gone = new AbortController();
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => gone.abort());
      await write(stream, gone.signal).finally(release);
    });
  }

  async function follow(
    first: HostCaller,
    since: number | undefined,
    { stream, signal }: { stream: SSEStreamingApi; signal: AbortSignal },
  ): Promise<void> {
    let caller = first;
    let seen = since;
    while (!signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what a stream is
      const list = await listPeers(caller, seen, ports);
      if (list.full || list.peers.length > 0 || list.removed.length > 0)
        // oxlint-disable-next-line no-await-in-loop -- as above
        await stream.writeSSE({ event: 'peers', id: `${list.version}`, data: JSON.stringify(list) });
      seen = list.version;
      // oxlint-disable-next-line no-await-in-loop -- as above
      const next = await follower(caller, seen, { stream, signal });
      if (next === undefined) return;
      caller = next;
    }
  }

  /** The caller when there is something that it has not seen; undefined when it was revoked, or everything ends. */
  async function follower(
    caller: HostCaller,
    seen: number,
    { stream, signal }: { stream: SSEStreamingApi; signal: AbortSignal },
  ): Promise<HostCaller | undefined> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what a stream is
      const news = await awaitNews(caller, seen, { timeoutMs: HEARTBEAT_MS, signal }, ports);
      if (news?.ok === false || signal.aborted || ports.bell.isClosed === true) return undefined;
      if (news !== undefined) return news.value;
      // oxlint-disable-next-line no-await-in-loop -- as above
      await stream.write(': nothing new\n\n');
    }
  }
}

function expectEvents({ ports }: RouteContext): void {
  const { pollSeconds } = ports.bell;
  if (pollSeconds === undefined) return;
  accepted(refuse('no-events', `This registry holds no requests. Ask GET /v1/peers every ${pollSeconds} seconds.`));
}
