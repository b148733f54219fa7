/** The HTTP server on Bun: Bun.serve. */
import { lookup } from 'node:dns/promises';
import { serve } from 'bun';
import { GRACE_MS, listenError, serverUrl, type HttpServer, type HttpServerOptions } from '../linux/http-server.ts';

/** Hangs up on who is silent, but on nobody who waits for an answer: a host's request for changes is held for a minute at most. */
const IDLE_TIMEOUT_S = 120;

/** Resolves when it listens. UserError when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { hostname, port, graceMs = GRACE_MS } = options;
  const { address, server } = await listen(options).catch((error: unknown) => {
    throw error instanceof Error ? listenError(error, hostname, port) : error;
  });
  return {
    url: serverUrl(address, server.port ?? port),
    async close() {
      const late = setTimeout(() => void server.stop(true), graceMs);
      await server.stop();
      clearTimeout(late);
    },
  };
}

async function listen({ fetch, hostname, port }: HttpServerOptions) {
  // As Node does it: one address, which the URL then names. Bun's own look-up says nothing of names that do not exist.
  const { address } = await lookup(hostname);
  const server = serve({
    hostname: address,
    port,
    idleTimeout: IDLE_TIMEOUT_S,
    development: false, // no page with the source around an error
    reusePort: false, // which is on without `development`: two servers would share a port without a word
    fetch: (request, server) => fetch(request, { peerAddress: server.requestIP(request)?.address ?? '' }),
  });
  return { address, server };
}
