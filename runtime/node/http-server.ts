/** Serves a fetch handler over HTTP on Node, by @hono/node-server. */
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { UserError } from '../../src/errors.ts';

export interface HttpServer {
  /** `http://127.0.0.1:8080`, with the port that was chosen when 0 was asked for. */
  readonly url: string;
  /** Takes no more connections, and resolves when the requests that are under way have been answered, or `graceMs` later. */
  close(): Promise<void>;
}

export interface HttpServerOptions {
  fetch: (request: Request, bindings: HttpBindings) => Response | Promise<Response>;
  hostname: string;
  port: number;
  /** How long requests that are under way may still take when the server closes. */
  graceMs?: number;
}

const GRACE_MS = 5_000;

/** Resolves when it listens. UserError when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { fetch, hostname, port, graceMs = GRACE_MS } = options;
  // The adapter's types leave HTTP/2 open; without options it makes a plain server.
  const server = createAdaptorServer({ fetch: (request, bindings) => fetch(request, bindings as HttpBindings) });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, hostname, port)));
    server.listen(port, hostname, resolve);
  });
  const answering = new Set<ServerResponse>();
  server.on('request', (_: unknown, response: ServerResponse) => {
    answering.add(response);
    response.once('close', () => answering.delete(response));
  });
  const address = server.address() as AddressInfo; // not a pipe: it listens on a port
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
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

/** The other end of the connection that a request came by. */
export function peerAddressOf(bindings: HttpBindings): string {
  return bindings.incoming.socket.remoteAddress ?? '';
}

function explain(error: NodeJS.ErrnoException, hostname: string, port: number): UserError {
  const where = `${hostname} port ${port}`;
  if (error.code === 'EADDRINUSE')
    return new UserError(`another program listens on ${where} already`, {
      remedy: 'Choose another port with --listen HOST:PORT, or end the other program.',
      cause: error,
    });
  if (error.code === 'EACCES')
    return new UserError(`no permission to listen on ${where}`, {
      remedy: 'Ports below 1024 need root: choose a higher one with --listen HOST:PORT.',
      cause: error,
    });
  return new UserError(`cannot listen on ${where}: ${error.code ?? error.message}`, { cause: error });
}
