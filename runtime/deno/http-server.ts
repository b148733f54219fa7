/** The HTTP server on Deno: Deno.serve. */
import { setTimeout } from 'node:timers/promises';
import { GRACE_MS, listenError, serverUrl, type HttpServer, type HttpServerOptions } from '../linux/http-server.ts';

/**
 * Resolves when it listens. UserError when it cannot.
 *
 * Deno has `shutdown()`, which hangs up on nobody, and an abort, which hangs up on whom there is an answer for; after the one
 * the other is refused. So closing starts with neither: new requests are answered with 503 until those under way are done, and
 * only those that never end are cut off. A client that does not read its answer may keep its connection for as long as the
 * process lives.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { fetch, hostname, port, graceMs = GRACE_MS } = options;
  const hangUp = new AbortController();
  const [late, done] = [Promise.withResolvers<undefined>(), Promise.withResolvers<void>()];
  let underWay = 0;
  let isClosing = false;

  const handler: Deno.ServeHandler<Deno.NetAddr> = async (request, info) => {
    if (isClosing) return refusal();
    underWay++;
    try {
      const answer = fetch(request, { peerAddress: info.remoteAddr.hostname });
      return (await Promise.race([answer, late.promise])) ?? refusal();
    } finally {
      underWay--;
      if (isClosing && underWay === 0) done.resolve();
    }
  };

  const server = listen({ hostname, port, signal: hangUp.signal, onListen: () => undefined }, handler);
  return {
    url: serverUrl(server.addr.hostname, server.addr.port),
    async close() {
      isClosing = true;
      if (underWay === 0) done.resolve();
      await within(graceMs, done.promise);
      if (underWay === 0) return within(graceMs, server.shutdown());
      late.resolve(undefined);
      await done.promise;
      await setTimeout(0); // Deno takes the answers over first
      hangUp.abort();
      await server.finished;
    },
  };
}

function refusal(): Response {
  return new Response(null, { status: 503, headers: { connection: 'close' } });
}

function listen(
  options: Deno.ServeTcpOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(options, handler);
  } catch (error) {
    if (error instanceof Error) throw listenError(error, options.hostname ?? '', options.port ?? 0);
    throw error;
  }
}

/** Resolves when the work is done, or after that time. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, setTimeout(ms, undefined, timer)]);
  timer.abort();
}
