/** The HTTP server on Node: @hono/node-server. */
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { GRACE_MS, listenError, serverUrl, type HttpServer, type HttpServerOptions } from '../linux/http-server.ts';

/** Resolves when it listens. UserError when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { fetch, hostname, port, graceMs = GRACE_MS } = options;
  const server = createAdaptorServer({
    // The adapter's types leave HTTP/2 open; without options it makes a plain server.
    fetch: (request, bindings) => fetch(request, { peerAddress: peerAddressOf(bindings as HttpBindings) }),
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, hostname, port)));
    server.listen(port, hostname, resolve);
  });
  const answering = new Set<ServerResponse>();
  server.on('request', (_: unknown, response: ServerResponse) => {
    answering.add(response);
    response.once('close', () => answering.delete(response));
  });
  const address = server.address() as AddressInfo; // not a pipe: it listens on a port
  return {
    url: serverUrl(address.address, address.port),
    close: () =>
      new Promise((resolve) => {
        // A connection that is kept open for a next request would hold the server: each ends with its answer.
        for (const response of answering) response.shouldKeepAlive = false;
        // Half a request is never answered, and would hold the server for as long as its sender likes.
        const late = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), graceMs);
        // Those that are idle now end at once.
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
      }),
  };
}

function peerAddressOf(bindings: HttpBindings): string {
  return bindings.incoming.socket.remoteAddress ?? '';
}
