/**
 * A WebSocket (RFC 6455) for a host: the same lists as GET /v1/peers, each as it comes to be, over a connection that costs the
 * registry nothing while nothing happens. Served where docs/decisions/0100 says; GET /v1/peers names it in `Peerage-Push`.
 *
 * The credential comes as everywhere, in `Authorization`: a browser cannot set that on a socket, and no browser has anything to do
 * here. So a request that says which page it comes from is refused.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { RegistryApp, RouteContext } from '../env.ts';
import { accepted, problemResponses } from '../problem.ts';
import { refuse } from '../service/result.ts';
import { toldVersion, viewOf } from '../service/view.ts';
import { since } from './parameters.ts';
import { expectModeration, hostOnly } from './role.ts';

const BUSY_SECONDS = 60;

export function addSocketRoute(app: RegistryApp, context: RouteContext): void {
  const { bell } = context.ports;
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/socket',
      summary: 'The changes of the peers of the host, over a WebSocket',
      description:
        'Send `Upgrade: websocket`. Each text frame is a list as GET /v1/peers?since= answers it. The text `ping` is answered with `pong`, and has to be sent every four minutes or sooner; nothing else may be. Before the registry closes a socket it sends `{"close":CODE,"reason":...}`: 4401 when the host key opens nothing any more, 4403 when the host has expired, 4413 when the news are too long for a frame: then ask GET /v1/peers, and connect again.',
      tags: ['for hosts'],
      ...hostOnly(context),
      request: {
        query: z.object({ since }),
      },
      responses: {
        101: { description: 'The socket' },
        ...problemResponses(401, 403, 422, 426, 429, 501, 503),
      },
    }),
    async (c) => {
      if (bell.listen === undefined)
        return accepted<never>(refuse('no-events', 'This registry has no sockets. Ask GET /v1/peers, with ?wait=55.'));
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
        return accepted<never>(refuse('upgrade-required', 'This is a WebSocket: send Upgrade: websocket.'));
      if (c.req.header('origin') !== undefined)
        return accepted<never>(
          refuse('forbidden', 'This socket is for hosts, and the request says that it comes from a page.'),
        );
      expectModeration(c, context);
      const { host, network, credentialId } = c.var.caller;
      const version = toldVersion(await viewOf(c.var.caller, context.ports), c.req.valid('query').since ?? 0);
      const answer = await bell.listen({ credentialId, hostId: host.id, networkId: network.id, version });
      if (answer.status === 101) return answer;
      const busy = refuse('busy', 'Too many hosts listen. Ask GET /v1/peers instead.');
      return accepted<never>({ ...busy, retryAfterSeconds: BUSY_SECONDS });
    },
  );
}
